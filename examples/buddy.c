/* SPDX-License-Identifier: MIT */
/* A buddy allocator over memory that it never touches: blocks at multiples of their size, growth in place, what is lost. */
#include <stdio.h>

#include <tarn/buddy.h>

int main(void)
{
    static char room[2 * 65536]; /* as if it were a device's: no byte of it is written */
    static uint64_t beside[1024];
    char *device = room + (65536 - (uintptr_t)room % 65536) % 65536; /* at a multiple of its size */
    const size_t size = 65536;
    printf("64 KiB in blocks of 256 bytes and more: %zu bytes of metadata\n",
           tarn_buddy_metadata_bytes(size, 256, TARN_BUDDY_EAGER, true));

    tarn_buddy buddy;
    tarn_buddy_options options = {.buffer = device,
                                  .buffer_size = size,
                                  .min_block = 256,
                                  .lazy = TARN_BUDDY_EAGER,
                                  .metadata_buffer = beside,
                                  .metadata_size = sizeof beside,
                                  .name = "device"};
    tarn_status status = tarn_buddy_init(&buddy, &options);
    if (status != TARN_OK) {
        fprintf(stderr, "buddy: %s\n", tarn_status_text(status));
        return 1;
    }
    tarn_allocator *handle = tarn_buddy_allocator(&buddy);

    char *frame = tarn_buddy_alloc(&buddy, 3000, 0);
    printf("3000 bytes: at offset %td, a block of %zu\n", frame - device,
           tarn_usable(handle, frame, 3000, 0));

    char *larger = tarn_resize(handle, frame, 3000, 20000, 0, TARN_IN_PLACE);
    printf("20000 bytes: %s\n", larger == frame ? "in place, its buddies were free" : "refused");

    char *whole = tarn_buddy_alloc(&buddy, size, 0);
    char why[128];
    (void)tarn_why_text(handle, why, sizeof why);
    printf("all of it: %s (%s)\n", whole == NULL ? "refused" : "served", why);
    tarn_buddy_free(&buddy, frame, 20000, 0);
    whole = tarn_buddy_alloc(&buddy, size, 0);
    printf("after the free: %s\n", whole == device ? "served" : "refused");

    tarn_buddy_figures f;
    tarn_buddy_get_figures(&buddy, &f);
    printf("%llu bytes asked for, %llu granted, %llu splits, %llu merges\n",
           (unsigned long long)f.asked, (unsigned long long)f.granted, (unsigned long long)f.splits,
           (unsigned long long)f.merges);
    tarn_buddy_deinit(&buddy);
    return whole == device && larger == frame ? 0 : 1;
}
