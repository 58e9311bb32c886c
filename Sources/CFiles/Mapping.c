#if defined(__linux__)
#define _GNU_SOURCE
#endif
#include "CFiles.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

// The handler reads this table, so it is changed by atomic stores alone and never shrinks.
typedef struct {
    _Atomic(uintptr_t) start; // 0: free, 1: being filled
    _Atomic(size_t) length;
    atomic_bool cut;
} Slot;

enum { SLOTS_PER_BLOCK = 128, MAX_BLOCKS = 4096 };
static _Atomic(Slot *) blocks[MAX_BLOCKS];
static atomic_uint cut_mappings;
static uintptr_t page_size;
static struct sigaction previous;

static Slot *slot_at(int number) {
    return &atomic_load(&blocks[number / SLOTS_PER_BLOCK])[number % SLOTS_PER_BLOCK];
}

static Slot *find(uintptr_t address) {
    for (int block = 0; block < MAX_BLOCKS; block++) {
        Slot *slots = atomic_load(&blocks[block]);
        if (slots == NULL) return NULL;
        for (int index = 0; index < SLOTS_PER_BLOCK; index++) {
            uintptr_t start = atomic_load(&slots[index].start);
            if (start > 1 && address >= start && address - start < atomic_load(&slots[index].length))
                return &slots[index];
        }
    }
    return NULL;
}

// Only atomics and the system calls mmap and sigaction.
static void answer_bus_error(int number, siginfo_t *info, void *context) {
    (void)context;
    int saved = errno;
    uintptr_t address = (uintptr_t)info->si_addr;
    Slot *slot = number == SIGBUS ? find(address) : NULL;
    if (slot != NULL) {
        uintptr_t page = address & ~(page_size - 1);
        uintptr_t end = atomic_load(&slot->start) + atomic_load(&slot->length);
        void *zeros = mmap((void *)page, end - page, PROT_READ,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        if (zeros != MAP_FAILED) {
            if (!atomic_exchange(&slot->cut, true)) atomic_fetch_add(&cut_mappings, 1);
            errno = saved;
            return;
        }
    }
    // Not ours: the instruction is tried again, and whoever was there before has the signal.
    sigaction(SIGBUS, &previous, NULL);
    errno = saved;
}

static void install(void) {
    page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
    struct sigaction action = {.sa_sigaction = answer_bus_error, .sa_flags = SA_SIGINFO};
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, &previous);
}

static int take_slot(void) {
    for (int block = 0; block < MAX_BLOCKS; block++) {
        Slot *slots = atomic_load(&blocks[block]);
        if (slots == NULL) {
            Slot *made = calloc(SLOTS_PER_BLOCK, sizeof(Slot));
            if (made == NULL) return -1;
            if (atomic_compare_exchange_strong(&blocks[block], &slots, made)) {
                slots = made;
            } else {
                free(made);
            }
        }
        for (int index = 0; index < SLOTS_PER_BLOCK; index++) {
            uintptr_t vacant = 0;
            if (atomic_compare_exchange_strong(&slots[index].start, &vacant, 1))
                return block * SLOTS_PER_BLOCK + index;
        }
    }
    return -1;
}

const void *cf_map(int descriptor, size_t length, int *slot) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install);
    int number = take_slot();
    if (number < 0) return NULL;
    Slot *taken = slot_at(number);
    void *start = mmap(NULL, length, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (start == MAP_FAILED) {
        atomic_store(&taken->start, 0);
        return NULL;
    }
    atomic_store(&taken->length, length);
    atomic_store(&taken->cut, false);
    atomic_store(&taken->start, (uintptr_t)start);
    *slot = number;
    return start;
}

void cf_unmap(int number) {
    Slot *slot = slot_at(number);
    void *start = (void *)atomic_load(&slot->start);
    size_t length = atomic_load(&slot->length);
    atomic_store(&slot->start, 1);
    munmap(start, length);
    atomic_store(&slot->start, 0);
}

bool cf_mapping_is_cut(int slot) { return atomic_load(&slot_at(slot)->cut); }

unsigned cf_cut_mappings(void) { return atomic_load(&cut_mappings); }
