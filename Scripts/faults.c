// Lets the operations on files beneath $FAULT_ROOT fail: the one numbered $FAULT_AT, or, with
// $FAULT_STAYS, that and all after it, with the error number $FAULT_ERROR. The number of operations
// is written to $FAULT_COUNT at the process's end. To be loaded before libc by LD_PRELOAD.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_long operations;

static int is_beneath(const char *path) {
    const char *root = getenv("FAULT_ROOT");
    char whole[PATH_MAX * 2];
    if (root == NULL) return 0;
    if (path[0] != '/') {
        char here[PATH_MAX];
        if (getcwd(here, sizeof here) == NULL) return 0;
        snprintf(whole, sizeof whole, "%s/%s", here, path);
        path = whole;
    }
    return strncmp(path, root, strlen(root)) == 0;
}

static int is_open_beneath(int descriptor) {
    char name[64], path[PATH_MAX];
    snprintf(name, sizeof name, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(name, path, sizeof path - 1);
    // Pipes and the like have no path.
    if (length <= 0 || path[0] != '/') return 0;
    path[length] = 0;
    return is_beneath(path);
}

// Whether this operation is to fail.
static int fails(void) {
    const char *at = getenv("FAULT_AT"), *stays = getenv("FAULT_STAYS");
    long number = atomic_fetch_add(&operations, 1) + 1;
    if (at == NULL) return 0;
    if (number != atol(at) && !(stays != NULL && number > atol(at))) return 0;
    const char *error = getenv("FAULT_ERROR");
    errno = error != NULL ? atoi(error) : ENOSPC;
    return 1;
}

__attribute__((destructor)) static void tell(void) {
    const char *file = getenv("FAULT_COUNT");
    FILE *out = file != NULL ? fopen(file, "w") : NULL;
    if (out == NULL) return;
    fprintf(out, "%ld\n", atomic_load(&operations));
    fclose(out);
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void *bytes, size_t count) {
    if (is_open_beneath(fd) && fails()) return -1;
    return NEXT(write)(fd, bytes, count);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) {
    if (is_open_beneath(fd) && fails()) return -1;
    return NEXT(pwrite)(fd, bytes, count, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
    if (is_open_beneath(fd) && fails()) return -1;
    return NEXT(pwrite64)(fd, bytes, count, at);
}

ssize_t sendfile(int to, int from, off_t *at, size_t count) {
    if (is_open_beneath(to) && fails()) return -1;
    return ((ssize_t (*)(int, int, off_t *, size_t))dlsym(RTLD_NEXT, "sendfile"))(to, from, at, count);
}

ssize_t copy_file_range(int from, off64_t *a, int to, off64_t *b, size_t count, unsigned flags) {
    if (is_open_beneath(to) && fails()) return -1;
    return NEXT(copy_file_range)(from, a, to, b, count, flags);
}

int fsync(int fd) {
    if (is_open_beneath(fd) && fails()) return -1;
    return NEXT(fsync)(fd);
}

int ftruncate(int fd, off_t length) {
    if (is_open_beneath(fd) && fails()) return -1;
    return NEXT(ftruncate)(fd, length);
}

int rename(const char *from, const char *to) {
    if (is_beneath(to) && fails()) return -1;
    return NEXT(rename)(from, to);
}

int mkdir(const char *path, mode_t mode) {
    if (is_beneath(path) && fails()) return -1;
    return NEXT(mkdir)(path, mode);
}

long syscall(long number, ...) {
    va_list list;
    va_start(list, number);
    long a = va_arg(list, long), b = va_arg(list, long), c = va_arg(list, long);
    long d = va_arg(list, long), e = va_arg(list, long), f = va_arg(list, long);
    va_end(list);
    if (number == SYS_renameat2 && is_beneath((const char *)d) && fails()) return -1;
    return ((long (*)(long, ...))dlsym(RTLD_NEXT, "syscall"))(number, a, b, c, d, e, f);
}

static int opens(const char *name, const char *path, int flags, mode_t mode) {
    if ((flags & O_CREAT) && is_beneath(path) && fails()) return -1;
    return ((int (*)(const char *, int, ...))dlsym(RTLD_NEXT, name))(path, flags, mode);
}

#define MODE(flags)                                                                                \
    mode_t mode = 0;                                                                               \
    if (flags & (O_CREAT | O_TMPFILE)) {                                                           \
        va_list list;                                                                              \
        va_start(list, flags);                                                                     \
        mode = va_arg(list, mode_t);                                                               \
        va_end(list);                                                                              \
    }

int open(const char *path, int flags, ...) {
    MODE(flags)
    return opens("open", path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    MODE(flags)
    return opens("open64", path, flags, mode);
}
