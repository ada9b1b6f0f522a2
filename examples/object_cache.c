/* SPDX-License-Identifier: MIT */
/* An object cache: what init set up survives free and alloc; depth, trim, and what was saved. */
#include <stdio.h>
#include <stdlib.h>

#include <tarn/object_cache.h>

struct session {
    char *buffer; /* dear: made once for many uses */
    int user;     /* cheap: set at each use */
};

static bool open_session(void *user, void *object)
{
    struct session *s = object;
    (void)user;
    s->buffer = malloc(4096);
    return s->buffer != NULL;
}

static void close_session(void *user, void *object)
{
    (void)user;
    free(((struct session *)object)->buffer);
}

int main(void)
{
    tarn_object_cache cache;
    tarn_object_cache_options options = {.object_size = sizeof(struct session),
                                         .depth = 8,
                                         .init = open_session,
                                         .fini = close_session,
                                         .name = "sessions"};
    if (tarn_object_cache_init(&cache, &options) != TARN_OK)
        return 1;
    for (int round = 0; round < 100; round++) {
        struct session *s[10];
        for (int i = 0; i < 10; i++) {
            s[i] = tarn_object_cache_alloc(&cache);
            if (s[i] == NULL)
                return 1;
            s[i]->user = i;
            snprintf(s[i]->buffer, 4096, "hello, %d", i);
        }
        for (int i = 0; i < 10; i++)
            tarn_object_cache_free(&cache, s[i]); /* eight stay open, two are closed */
    }

    tarn_object_cache_counters c;
    tarn_object_cache_count(&cache, &c);
    printf("%llu allocs, %llu constructions: %llu saved\n", (unsigned long long)c.allocs,
           (unsigned long long)c.inits, (unsigned long long)c.saved);
    tarn_object_cache_trim(&cache);
    tarn_object_cache_count(&cache, &c);
    printf("after trim: %zu idle\n", c.idle);
    tarn_object_cache_deinit(&cache);
    return c.saved == 1000 - 10 - 99 * 2 && c.finis == c.inits ? 0 : 1;
}
