/* SPDX-License-Identifier: MIT */
/* image.c - the random stream that each subject goes through, and the report. */
#include "image.h"

enum { LIVE = 48, STEPS = 6000 };

typedef struct live {
    unsigned char *block;
    size_t size;
    tarn_spec spec;
    unsigned char mark;
} live;

static live lives[LIVE];
static unsigned long seed;

static void say(const char *text)
{
    size_t length = 0;
    while (text[length] != 0)
        length++;
    machine_say(text, length);
}

static size_t below(size_t limit)
{
    seed = seed * 1103515245U + 12345U;
    return (size_t)(seed >> 8U & 0xffffU) % limit;
}

static void fill(live *l)
{
    for (size_t i = 0; i < l->size; i++)
        l->block[i] = l->mark;
}

static bool is_whole(const live *l, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (l->block[i] != l->mark)
            return false;
    }
    return true;
}

static bool step_alloc(tarn_allocator *a, const bare_subject *s, live *l)
{
    size_t align = (size_t)1 << below(8);
    if (align > s->max_align)
        align = s->max_align;
    l->size = 1 + below(s->max_size);
    l->spec = tarn_spec_for(align);
    l->mark = (unsigned char)(1 + below(255));
    l->block = tarn_alloc(a, l->size, l->spec);
    if (l->block == NULL)
        return tarn_get_why(a).status != TARN_OK;
    fill(l);
    return (uintptr_t)l->block % align == 0;
}

static bool step_resize(tarn_allocator *a, const bare_subject *s, live *l)
{
    size_t size = 1 + below(s->max_size), keep = size < l->size ? size : l->size;
    unsigned char *moved = tarn_resize(a, l->block, l->size, size, keep, l->spec);
    if (moved == NULL)
        return is_whole(l, l->size);
    l->block = moved;
    if (!is_whole(l, keep))
        return false;
    l->size = size;
    fill(l);
    return true;
}

static bool step(tarn_allocator *a, const bare_subject *s)
{
    live *l = &lives[below(LIVE)];
    if (l->block == NULL)
        return step_alloc(a, s, l);
    if (!is_whole(l, l->size))
        return false;
    if (below(4) == 0)
        return step_resize(a, s, l);
    tarn_free(a, l->block, l->size, l->spec);
    l->block = NULL;
    return true;
}

static bool run(const bare_subject *s)
{
    tarn_allocator *a = s->make();
    bool holds = a != NULL;
    seed = 1;
    for (size_t i = 0; i < STEPS && holds; i++) {
        holds = step(a, s);
        if (holds && i % 100 == 0 && tarn_can(a, TARN_CAP_CHECK))
            holds = tarn_check(a) == TARN_OK;
    }
    for (size_t i = 0; i < LIVE; i++) {
        if (holds && lives[i].block != NULL) {
            holds = is_whole(&lives[i], lives[i].size);
            tarn_free(a, lives[i].block, lives[i].size, lives[i].spec);
        }
        lives[i].block = NULL;
    }
    if (a != NULL)
        tarn_deinit(a);
    return holds;
}

static int faults;

static void count_fault(const tarn_fault *fault, void *user)
{
    (void)user;
    faults++;
    say("fault: ");
    say(tarn_fault_text(fault->kind));
    say("\n");
}

static int report(const char *name, bool holds)
{
    say(name);
    say(holds ? " holds\n" : " FAILS\n");
    return !holds;
}

int bare_main(void)
{
    int bad = 0;
    (void)tarn_fault_set_handler(count_fault, NULL);
    for (size_t i = 0; i < bare_subject_count; i++)
        bad += report(bare_subjects[i].name, run(&bare_subjects[i]));
    for (size_t i = 0; i < bare_other_count; i++)
        bad += report(bare_others[i].name, bare_others[i].holds());
    say(bad == 0 && faults == 0 ? "all hold\n" : "not all hold\n");
    return bad + faults;
}
