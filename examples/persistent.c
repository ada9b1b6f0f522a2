/* SPDX-License-Identifier: MIT */
/* A file that is a data structure: how often each word was given, over all runs. */
#include <stdio.h>
#include <string.h>

#include <tarn/tarn.h>

struct word {
    TARN_OFFSET(struct word) next;
    unsigned seen;
    char text[20];
};

/* Finds a word, or adds it: complete before it is linked, so a death in between leaves no half word. */
static struct word *find(struct word *first, tarn_segment_arena *words, const char *text)
{
    struct word *w = TARN_OFFSET_GET(first->next);
    while (w != NULL && strcmp(w->text, text) != 0)
        w = TARN_OFFSET_GET(w->next);
    if (w == NULL) {
        w = tarn_segment_arena_alloc(words, sizeof *w, TARN_SPEC_OF(struct word) | TARN_ZERO);
        if (w == NULL)
            return first; /* full: not counted by itself */
        (void)snprintf(w->text, sizeof w->text, "%s", text);
        TARN_OFFSET_SET(w->next, TARN_OFFSET_GET(first->next));
        TARN_OFFSET_SET(first->next, w);
    }
    return w;
}

/* One run of the program. */
static unsigned run(const char *path, const char *const *texts, size_t n)
{
    static const char *const found[] = {"new", "as it was left", "in use", "recovered"};
    tarn_segment s;
    tarn_segment_arena words;
    tarn_block first;
    unsigned total = 0;
    if (tarn_segment_init(&s, &(tarn_segment_options){.name = path}) != TARN_OK ||
        tarn_segment_open_arena(&s, "words", 100000, &words) != TARN_OK ||
        tarn_segment_open_memory(&s, "first", sizeof(struct word), &first) != TARN_OK)
        return puts(tarn_segment_why(&s)) < 0;
    for (size_t i = 0; i < n; i++)
        find(first.ptr, &words, texts[i])->seen++;
    printf("%s is %s:", path, found[tarn_segment_get_report(&s)->found]);
    for (struct word *w = first.ptr; (w = TARN_OFFSET_GET(w->next)) != NULL; total += w->seen)
        printf(" %s %u", w->text, w->seen);
    printf("\n");
    tarn_segment_deinit(&s);
    return total;
}

int main(void)
{
    static const char *const one[] = {"to", "be", "or"}, *const two[] = {"not", "to", "be"};
    unsigned first = run("persistent.tarn", one, 3), second = run("persistent.tarn", two, 3);
    bool gone = tarn_file_remove(TARN_FILE_PATH, "persistent.tarn") == TARN_OK;
    return gone && second == first + 3 ? 0 : 1;
}
