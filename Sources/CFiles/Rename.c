#if defined(__linux__)
#define _GNU_SOURCE
#endif
#include "CFiles.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#if defined(__linux__)
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int rename_by(const char *one, const char *other, unsigned flags) {
    return syscall(SYS_renameat2, AT_FDCWD, one, AT_FDCWD, other, flags) == 0 ? 0 : errno;
}

int cf_exchange(const char *one, const char *other) { return rename_by(one, other, 2); }

int cf_rename_new(const char *from, const char *to) {
    int code = rename_by(from, to, 1);
    if (code != EINVAL && code != ENOSYS) return code;
#else
int cf_exchange(const char *one, const char *other) {
    return renamex_np(one, other, RENAME_SWAP) == 0 ? 0 : errno;
}

int cf_rename_new(const char *from, const char *to) {
    int code = renamex_np(from, to, RENAME_EXCL) == 0 ? 0 : errno;
    if (code != ENOTSUP) return code;
#endif
    // A file system that cannot do both at once.
    struct stat status;
    if (lstat(to, &status) == 0) return EEXIST;
    return rename(from, to) == 0 ? 0 : errno;
}
