/* SPDX-License-Identifier: MIT */
/* Scratch memory: every function takes its own, and the result goes where the caller wants it. */
#include <stdio.h>
#include <string.h>

#include <tarn/scratch.h>

/* The words of a text in reverse order. */
static char *reversed(tarn_arena *result, const char *text)
{
    tarn_scratch scratch = tarn_scratch_begin();
    if (scratch.arena == NULL)
        return NULL;
    tarn_arena_text out = {0};
    char *words = tarn_arena_strdup(scratch.arena, text), *space, *whole = NULL;
    bool good = words != NULL;
    while (good && (space = strrchr(words, ' ')) != NULL) {
        good = tarn_arena_append(scratch.arena, &out, "%s ", space + 1);
        *space = '\0';
    }
    if (good && tarn_arena_append(scratch.arena, &out, "%s", words))
        whole = tarn_arena_strdup(result, out.data);
    tarn_scratch_end(&scratch); /* `whole` stays, even if `result` is somebody's scratch, too */
    return whole;
}

/* The same twice, with a scratch arena as the inner one's result. */
static char *twice_reversed(tarn_arena *result, const char *text)
{
    tarn_scratch scratch = tarn_scratch_begin();
    char *once = scratch.arena != NULL ? reversed(scratch.arena, text) : NULL;
    char *twice = once != NULL ? reversed(result, once) : NULL;
    tarn_scratch_end(&scratch);
    return twice;
}

int main(void)
{
    static const char text[] = "a lake that fills from above";
    tarn_scratch scratch = tarn_scratch_begin();
    if (scratch.arena == NULL)
        return 1;
    char *once = reversed(scratch.arena, text), *twice = twice_reversed(scratch.arena, text);
    if (once == NULL || twice == NULL)
        return 1;
    printf("%s\n%s\n", once, twice);
    bool same = strcmp(twice, text) == 0;
    tarn_scratch_end(&scratch);
    return same ? 0 : 1;
}
