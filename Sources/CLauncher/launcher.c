// libgomp reads from the environment, once, as it is loaded, whether threads that wait for work
// spin or sleep. It lets them spin, which is no faster here than a moment of it and, where anything else runs on the
// machine, makes two threads many times slower than one. Nothing can change that later, and a
// program linked to libtorch has loaded libgomp before its `main` begins.
//
// So this runs before the libraries' own initializers do (`.preinit_array`: they are mapped, which
// takes milliseconds, and have done nothing yet) and starts the program anew, as the same process,
// with the policy in its environment. What the user has chosen stays.

#include "CLauncher.h"

#if defined(__linux__)

#include <stddef.h>
#include <sys/syscall.h>

#if defined(__x86_64__) || defined(__aarch64__)

// libc is not initialized yet: no function of it may be called.
static long execute(const char *path, char **arguments, char **environment) {
#if defined(__x86_64__)
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "0"((long)SYS_execve), "D"(path), "S"(arguments), "d"(environment)
                     : "rcx", "r11", "memory");
    return result;
#else
    register long number __asm__("x8") = SYS_execve;
    register const char *first __asm__("x0") = path;
    register char **second __asm__("x1") = arguments;
    register char **third __asm__("x2") = environment;
    __asm__ volatile("svc #0" : "+r"(first) : "r"(number), "r"(second), "r"(third) : "memory");
    return (long)first;
#endif
}

static int names(const char *entry, const char *variable) {
    while (*variable != 0) {
        if (*entry++ != *variable++) return 0;
    }
    return *entry == '=';
}

// More variables than this are left as they are, and so is the policy.
enum { MAXIMUM_VARIABLES = 4096 };
static char policy[] = "OMP_WAIT_POLICY=passive";
// Work that follows at once is met awake: sleeping at every wait costs small models a sixth.
static char rounds[] = "GOMP_SPINCOUNT=10000";
static char *environment[MAXIMUM_VARIABLES + 3];

static void let_waiting_threads_sleep(int count, char **arguments, char **given) {
    (void)count;
    int variables = 0;
    for (; given[variables] != NULL; variables++) {
        if (variables == MAXIMUM_VARIABLES || names(given[variables], "OMP_WAIT_POLICY") ||
            names(given[variables], "GOMP_SPINCOUNT")) {
            return;
        }
        environment[variables] = given[variables];
    }
    environment[variables] = policy;
    environment[variables + 1] = rounds;
    environment[variables + 2] = NULL;
    // Where it fails (no /proc) the program goes on as it is.
    execute("/proc/self/exe", arguments, environment);
}

__attribute__((section(".preinit_array"), used)) static void (*const before_libraries)(
    int, char **, char **) = let_waiting_threads_sleep;

#endif
#endif
