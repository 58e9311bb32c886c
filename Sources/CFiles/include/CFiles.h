// What the Swift module `Files` needs of the system that Swift cannot say: files mapped so that one
// that another process cuts short is noticed instead of ending this process, and two names exchanged
// at once.
#ifndef CFILES_H
#define CFILES_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Maps `length` bytes of `descriptor` read-only; NULL where that cannot be done.
///
/// Where bytes are touched that the file no longer has, or that cannot be read, zeros stand in their
/// place from there to the mapping's end, and `cf_mapping_is_cut` says so. `slot` gets the number
/// that the other functions take.
const void *cf_map(int descriptor, size_t length, int *slot);

/// Takes the mapping back.
void cf_unmap(int slot);

/// Whether bytes of the mapping were missing when they were touched.
bool cf_mapping_is_cut(int slot);

/// How many mappings have been cut so far in this process.
unsigned cf_cut_mappings(void);

/// Gives two existing names of one file system each other's content at once; 0, or an error number
/// (ENOSYS where the system cannot).
int cf_exchange(const char *one, const char *other);

/// Gives `from` the name `to`, which must not exist; 0, or an error number (EEXIST where it does).
int cf_rename_new(const char *from, const char *to);

#ifdef __cplusplus
}
#endif
#endif
