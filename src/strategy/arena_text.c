/* SPDX-License-Identifier: MIT */
/*
 * arena_text.c - strings in an arena. Uses the arena as anybody does.
 */
#include <tarn/arena.h>

#if __STDC_HOSTED__
#include <stdio.h>
#endif

#include "base/checked.h"
#include "base/mem.h"

void *tarn_arena_memdup(tarn_arena *a, const void *bytes, size_t size)
{
    void *copy = tarn_arena_alloc(a, size, 3);
    if (copy != NULL && size != 0)
        memcpy(copy, bytes, size);
    return copy;
}

char *tarn_arena_strndup(tarn_arena *a, const char *text, size_t max)
{
    const char *end = memchr(text, 0, max);
    size_t length = end != NULL ? (size_t)(end - text) : max;
    char *copy = length != SIZE_MAX ? tarn_arena_alloc(a, length + 1, 0) : NULL;
    if (copy == NULL)
        return NULL;
    memcpy(copy, text, length);
    copy[length] = 0;
    return copy;
}

char *tarn_arena_strdup(tarn_arena *a, const char *text)
{
    return tarn_arena_strndup(a, text, SIZE_MAX - 1);
}

#if __STDC_HOSTED__
/* Results shorter than this are formatted once. */
enum { SHORT = 256 };

/* The formatted text into data, which has room for it, from the first, short formatting or again. */
static void put(char *data, const char *part, size_t length, const char *format, va_list args)
{
    if (length < SHORT)
        memcpy(data, part, length + 1);
    else
        (void)vsnprintf(data, length + 1, format, args); /* NOLINT(clang-analyzer-valist.*) */
}

char *tarn_arena_vprintf(tarn_arena *a, const char *format, va_list args)
{
    char part[SHORT], *text = NULL;
    va_list again;
    int length;
    va_copy(again, args);
    length = vsnprintf(part, sizeof part, format, args); /* NOLINT(clang-analyzer-valist.*) */
    if (length >= 0)
        text = tarn_arena_alloc(a, (size_t)length + 1, 0);
    if (text != NULL)
        put(text, part, (size_t)length, format, again);
    va_end(again);
    return text;
}

char *tarn_arena_printf(tarn_arena *a, const char *format, ...)
{
    va_list args;
    char *text;
    va_start(args, format);
    text = tarn_arena_vprintf(a, format, args);
    va_end(args);
    return text;
}

/* Room for `need` bytes: in place as exact as it is asked for, elsewhere twice as much. */
static bool make_room(tarn_arena *a, tarn_arena_text *text, size_t need)
{
    size_t plenty;
    char *data;
    if (need <= text->capacity)
        return true;
    if (text->data != NULL) {
        data =
            tarn_arena_resize(a, text->data, text->capacity, need, text->length + 1, TARN_IN_PLACE);
        if (data != NULL) {
            text->capacity = need;
            return true;
        }
    }
    if (text->data == NULL || !tarn_mul(need, 2, &plenty))
        plenty = need;
    data = tarn_arena_alloc(a, plenty, 0);
    if (data == NULL && plenty > need)
        data = tarn_arena_alloc(a, plenty = need, 0);
    if (data == NULL)
        return false;
    if (text->data != NULL) {
        memcpy(data, text->data, text->length + 1);
        tarn_arena_free(a, text->data, text->capacity);
    }
    text->data = data;
    text->capacity = plenty;
    return true;
}

bool tarn_arena_append(tarn_arena *a, tarn_arena_text *text, const char *format, ...)
{
    char part[SHORT];
    va_list args;
    int length;
    bool done = false;
    size_t need;
    va_start(args, format);
    length = vsnprintf(part, sizeof part, format, args); /* NOLINT(clang-analyzer-valist.*) */
    va_end(args);
    va_start(args, format);
    if (length >= 0 && tarn_add(text->length, (size_t)length + 1, &need) &&
        make_room(a, text, need)) {
        put(text->data + text->length, part, (size_t)length, format, args);
        text->length += (size_t)length;
        done = true;
    }
    va_end(args);
    return done;
}
#endif
