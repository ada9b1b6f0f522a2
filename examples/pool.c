/* SPDX-License-Identifier: MIT */
/* A pool of equal blocks: allocate, free, a size it refuses, an end it reaches, and what it knows about itself. */
#include <stdio.h>

#include <tarn/new.h>

struct session {
    int id;
    char user[28];
};

int main(void)
{
    tarn_pool pool;
    tarn_pool_options options = {
        .block_size = sizeof(struct session), .capacity = 3, .name = "sessions"};
    tarn_status status = tarn_pool_init(&pool, &options);
    if (status != TARN_OK) {
        fprintf(stderr, "pool: %s\n", tarn_status_text(status));
        return 1;
    }

    struct session *s[4];
    for (int i = 0; i < 4; i++) {
        s[i] = tarn_new_zero(&pool, struct session);
        if (s[i] != NULL)
            s[i]->id = i + 1;
    }
    tarn_allocator *handle = tarn_pool_allocator(&pool);
    char why[128];
    tarn_why_text(handle, why, sizeof why);
    printf("the fourth: %s (%s)\n", s[3] == NULL ? "refused" : "served", why);

    if (tarn_alloc(handle, 100, 0) == NULL) {
        tarn_why_text(handle, why, sizeof why);
        printf("100 bytes: refused (%s)\n", why);
    }

    tarn_delete(&pool, s[1]); /* size and alignment come from the type */
    s[3] = tarn_new(&pool, struct session);
    printf("after one is freed: %s\n", s[3] == s[1] ? "its block again" : "refused");

    tarn_stats stats;
    tarn_get_stats(handle, &stats);
    printf("%zu live blocks of %zu bytes\n", stats.live_blocks, sizeof(struct session));
    tarn_pool_deinit(&pool);
    return s[3] == s[1] ? 0 : 1;
}
