/* SPDX-License-Identifier: MIT */
/* An audio engine's heap: bounded time over two buffers, the room that never runs out, what was really needed. */
#include <stdio.h>

#include <tarn/new.h>

struct voice {
    float phase[16];
};

int main(void)
{
    static _Alignas(16) char fast[32 << 10], slow[64 << 10]; /* two kinds of memory */
    tarn_tlsf heap;
    tarn_tlsf_options options = {.buffer = fast, .buffer_size = sizeof fast, .name = "audio"};
    tarn_status status = tarn_tlsf_init(&heap, &options);
    if (status == TARN_OK)
        status = tarn_tlsf_add_region(&heap, slow, sizeof slow);
    if (status != TARN_OK) {
        fprintf(stderr, "tlsf: %s\n", tarn_status_text(status));
        return 1;
    }
    printf("4 KiB live in blocks of 64 to 512 bytes never need more than %zu bytes\n",
           tarn_tlsf_worst_bytes(4096, 512, 64));

    struct voice *v = tarn_new_zero(&heap, struct voice);
    float *delay = tarn_tlsf_alloc(&heap, 6000, TARN_SPEC(64)); /* for vector instructions */
    printf("aligned to 64: %s\n", (size_t)delay % 64 == 0 ? "yes" : "no");

    /* Grows where it is: the memory behind it is free. Takes no longer than any other call. */
    float *longer = tarn_tlsf_resize(&heap, delay, 6000, 9000, 6000, TARN_SPEC(64) | TARN_IN_PLACE);
    printf("9000 bytes: %s\n", longer == delay ? "in place" : "refused");

    if (tarn_tlsf_alloc(&heap, 80 << 10, 0) == NULL) {
        char why[128];
        (void)tarn_why_text(tarn_tlsf_allocator(&heap), why, sizeof why);
        printf("80 KiB: %s\n", why); /* no block spans two regions */
    }
    tarn_tlsf_free(&heap, delay, 9000, TARN_SPEC(64));
    tarn_delete(&heap, v);
    printf("the slow buffer can go: %s\n", tarn_status_text(tarn_tlsf_remove_region(&heap, slow)));

    tarn_tlsf_report report = tarn_tlsf_get_report(&heap);
    printf("%zu of %zu bytes were ever used, the largest request took %zu\n", report.span,
           report.room, report.largest);
    tarn_tlsf_deinit(&heap);
    return longer == delay && report.used == 0 ? 0 : 1;
}
