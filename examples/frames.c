/* SPDX-License-Identifier: MIT */
/* Double buffering: each step builds a new state from the one before, and never frees anything. */
#include <stdio.h>

#include <tarn/frames.h>
#include <tarn/new.h>

struct particle {
    struct particle *next;
    double height, speed;
};

/* The particles of the next frame, from those of this one. What has come to rest is left out. */
static struct particle *step(tarn_arena *frame, const struct particle *old)
{
    struct particle *list = NULL;
    for (; old != NULL; old = old->next) {
        struct particle *p;
        if (old->height < 0.1 && old->speed < 0.1)
            continue;
        p = tarn_new(frame, struct particle);
        if (p == NULL)
            return NULL;
        *p = (struct particle){list, old->height + old->speed, old->speed - 0.1};
        if (p->height < 0)
            *p = (struct particle){list, 0, -0.5 * p->speed};
        list = p;
    }
    return list;
}

int main(void)
{
    tarn_frames frames;
    if (tarn_frames_init(&frames, &(tarn_frames_options){.count = 2}) != TARN_OK)
        return 1;
    struct particle *now = NULL;
    for (int i = 0; i < 100; i++) {
        struct particle *p = tarn_new(tarn_frames_current(&frames), struct particle);
        if (p == NULL)
            return 1;
        *p = (struct particle){now, i, 0};
        now = p;
    }
    int turns = 0;
    for (; now != NULL && turns < 10000; turns++)
        now = step(tarn_frames_next(&frames), now); /* `now` is of the frame before */
    tarn_stats stats;
    tarn_get_stats(tarn_frames_allocator(&frames), &stats);
    printf("at rest after %d steps, in %zu bytes\n", turns, stats.held_bytes);
    tarn_frames_deinit(&frames);
    return now == NULL ? 0 : 1;
}
