/* SPDX-License-Identifier: MIT */
/* An arena: a request's memory, freed at once; a mark to return to; a cleanup; strings; the last block grows. */
#include <stdio.h>

#include <tarn/new.h>

static void goodbye(void *file)
{
    printf("cleanup: %s is closed\n", (const char *)file);
}

int main(void)
{
    tarn_arena arena;
    tarn_status status =
        tarn_arena_init(&arena, &(tarn_arena_options){.name = "request", .limit = 1 << 20});
    if (status != TARN_OK) {
        fprintf(stderr, "arena: %s\n", tarn_status_text(status));
        return 1;
    }
    for (int request = 1; request <= 2; request++) {
        int *ids = tarn_new_array(&arena, int, 1000);
        if (ids == NULL ||
            tarn_arena_on_reset(&arena, goodbye, tarn_arena_strdup(&arena, "the log")) != TARN_OK)
            return 1;
        tarn_mark before = tarn_arena_mark(&arena);
        char *text = tarn_arena_printf(&arena, "request %d has %d ids", request, 1000);
        puts(text != NULL ? text : "no room");
        tarn_arena_rewind(&arena, before); /* the text is gone, the ids are not */

        char *line = tarn_arena_alloc(&arena, 16, 0);
        char *longer = tarn_arena_resize(&arena, line, 16, 64, 16, 0);
        printf("the last block grew %s\n", longer == line ? "where it was" : "by moving");
        tarn_arena_reset(&arena, TARN_KEEP_ALL); /* runs the cleanup, keeps the memory */
    }
    void *huge = tarn_arena_alloc(&arena, 2 << 20, 0);
    char why[160];
    tarn_why_text(tarn_arena_allocator(&arena), why, sizeof why);
    printf("2 MiB: %s (%s)\n", huge == NULL ? "refused" : "served", why);
    tarn_arena_deinit(&arena);
    return huge == NULL ? 0 : 1;
}
