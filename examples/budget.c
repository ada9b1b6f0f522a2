/* SPDX-License-Identifier: MIT */
/* Two tenants under one budget: one that asks for too much is refused, the other goes on. */
#include <stdio.h>

#include <tarn/limit.h>
#include <tarn/source.h>

enum { KIB = 1024 };

int main(void)
{
    tarn_budget server, tenants[2];
    tarn_limit heaps[2];
    if (tarn_budget_init(&server, &(tarn_budget_options){.name = "server", .hard = 64 * KIB}) !=
        TARN_OK)
        return 1;
    for (int i = 0; i < 2; i++) {
        const tarn_budget_options its = {.name = "tenant", .hard = 48 * KIB, .parent = &server};
        if (tarn_budget_init(&tenants[i], &its) != TARN_OK ||
            tarn_limit_init(&heaps[i], &(tarn_limit_options){.name = i == 0 ? "first" : "second",
                                                             .parent = tarn_libc(),
                                                             .budget = &tenants[i]}) != TARN_OK)
            return 1;
    }
    tarn_allocator *first = tarn_limit_allocator(&heaps[0]),
                   *second = tarn_limit_allocator(&heaps[1]);
    void *a = tarn_alloc(first, 40 * KIB, TARN_ALIGN_MAX), *b = NULL;
    char why[160];
    for (size_t want = 40 * KIB; b == NULL && want > KIB; want /= 2) {
        b = tarn_alloc(second, want, TARN_ALIGN_MAX);
        if (b == NULL) {
            tarn_why_text(second, why, sizeof why);
            printf("%s\n", why);
        } else {
            printf("second got %zu bytes; the server's budget has %zu of %zu left\n", want,
                   tarn_budget_get(&server).hard - tarn_budget_get(&server).used,
                   tarn_budget_get(&server).hard);
            tarn_free(second, b, want, TARN_ALIGN_MAX);
        }
    }
    tarn_free(first, a, 40 * KIB, TARN_ALIGN_MAX);
    tarn_limit_deinit(&heaps[0]);
    tarn_limit_deinit(&heaps[1]);
    return tarn_budget_get(&server).used == 0 ? 0 : 1;
}
