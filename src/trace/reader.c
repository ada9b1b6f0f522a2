/* SPDX-License-Identifier: MIT */
/* Events in global order: a merge of slots by stamp, and the objects that the addresses stand for.
 *
 *     slot 1  [stamp 2 . . . .][stamp 5 . .]
 *     slot 2        [stamp 3 . .]    [stamp 6 ..      a heap of slots by the stamp they stand at; the least one goes on
 *     slot 3             [stamp 4]                    until it meets a stamp greater than the next slot's
 *
 * R1  Stamps of different slots differ, so the order is one order. (Equal ones, in a damaged trace, go by slot.)
 * R2  A slot's words are in memory only while the slot is under way: its first block is decoded when its turn comes.
 * R3  An object number is in exactly one place: at an address, in a slot's unfinished realloc, or on the free list.
 */
#include "trace/reader.h"

#include "trace/blocks.h"
#include "trace/contexts.h"
#include "trace/objects.h"
#include "trace/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

typedef struct cursor {
    size_t next, end; /* blocks of this slot not yet decoded: places in the list      */
    uint64_t *words;  /* of the current block; NULL before it is decoded              */
    uint32_t at, count;
    uint32_t thread;
    uint32_t pending; /* object whose realloc is under way                            */
    uint32_t seq;     /* that the next block should have                              */
    uint64_t stamp, time_ns;
} cursor;

struct tarn_trace {
    tarn_blocks blocks;
    tarn_contexts contexts;
    tarn_objects objects;
    char *path;
    cursor *cursors;
    cursor **heap; /* by stamp; heap[0] is the one under way */
    size_t cursor_count, heap_count;
    uint64_t *spare;     /* words of a slot that is through: used again */
    tarn_event queue[2]; /* events ahead: one word can make two */
    unsigned queued;
    uint64_t live, bad_blocks, bad_words;
    bool out_of_memory, scanned;
    tarn_trace_counts counts, total; /* so far; of the whole trace once scanned */
    tarn_trace_info info;
    char end_text[32];
};

static bool before(const cursor *a, const cursor *b)
{
    return a->stamp != b->stamp ? a->stamp < b->stamp : a < b;
}

static void sift_down(tarn_trace *t, size_t at)
{
    for (;;) {
        size_t least = at;
        for (size_t child = at * 2 + 1; child < at * 2 + 3 && child < t->heap_count; child++)
            if (before(t->heap[child], t->heap[least]))
                least = child;
        if (least == at)
            return;
        cursor *moved = t->heap[at];
        t->heap[at] = t->heap[least];
        t->heap[least] = moved;
        at = least;
    }
}

static void close_words(tarn_trace *t, cursor *c)
{
    if (t->spare)
        free(c->words);
    else
        t->spare = c->words;
    c->words = NULL;
}

/* The cursor's next block; false when there is none. Damaged ones are counted and left out. */
static bool next_block(tarn_trace *t, cursor *c)
{
    while (c->next < c->end) {
        const tarn_place *place = &t->blocks.list[c->next++];
        t->bad_blocks += place->head.seq - c->seq;
        c->seq = place->head.seq + 1;
        c->stamp = place->head.stamp;
        if (!c->words) {
            c->words = t->spare ? t->spare : malloc(TARN_SLOT_BYTES);
            t->spare = NULL;
        }
        if (!c->words) {
            t->out_of_memory = true;
            return false;
        }
        c->at = 0;
        c->count = place->head.words;
        c->thread = place->head.thread;
        if (c->time_ns < place->head.time_ns)
            c->time_ns = place->head.time_ns;
        if (c->thread < TARN_THREADS_MAX && tarn_blocks_read(&t->blocks, place, c->words))
            return true;
        t->bad_blocks++;
        t->bad_words += place->head.words;
    }
    return false;
}

static void queue(tarn_trace *t, const cursor *c, tarn_event event)
{
    event.thread = c->thread;
    event.time_ns = c->time_ns;
    t->queue[t->queued++] = event;
}

static void queue_free(tarn_trace *t, const cursor *c, uint64_t address, uint32_t object)
{
    uint64_t size = t->objects.sizes[object];
    t->live -= size;
    tarn_objects_drop(&t->objects, object);
    queue(t, c,
          (tarn_event){.kind = TARN_EVENT_FREE,
                       .size = size,
                       .address = address,
                       .object = object,
                       .context = TARN_NO_CONTEXT});
}

static void free_word(tarn_trace *t, const cursor *c, uint64_t address)
{
    uint32_t object = tarn_objects_take(&t->objects, address);
    if (object == TARN_NO_OBJECT)
        t->counts.foreign_frees++;
    else
        queue_free(t, c, address, object);
}

/* An allocation, or the end of a realloc. A block that is still at the address was freed unseen: free it first. */
static void alloc_word(tarn_trace *t, cursor *c, uint64_t address, uint32_t key,
                       const uint64_t *sized)
{
    const tarn_trace_context *context = tarn_trace_get_context(t, key);
    tarn_event e = {.address = address, .context = context ? key : TARN_NO_CONTEXT};
    e.size = sized ? *sized : context ? context->size : 0;
    e.kind = context ? context->kind : TARN_EVENT_ALLOC;
    e.align_log2 = context ? context->align_log2 : 0;
    uint32_t there = tarn_objects_take(&t->objects, address);
    if (there != TARN_NO_OBJECT)
        queue_free(t, c, address, there);
    if (c->pending != TARN_NO_OBJECT) {
        e.kind = TARN_EVENT_REALLOC;
        e.object = c->pending;
        e.old_size = t->objects.sizes[e.object];
        t->objects.sizes[e.object] = e.size;
        t->live -= e.old_size;
    } else {
        if (e.kind == TARN_EVENT_REALLOC)
            e.kind = TARN_EVENT_ALLOC;
        e.object = tarn_objects_new(&t->objects, e.size);
    }
    c->pending = TARN_NO_OBJECT;
    if (e.object == TARN_NO_OBJECT || !tarn_objects_put(&t->objects, address, e.object)) {
        t->out_of_memory = true;
        return;
    }
    t->live += e.size;
    queue(t, c, e);
}

static void realloc_begin(tarn_trace *t, cursor *c, uint64_t address)
{
    c->pending = tarn_objects_take(&t->objects, address);
    if (c->pending == TARN_NO_OBJECT)
        t->counts.foreign_frees++;
}

static void realloc_failed(tarn_trace *t, cursor *c, uint64_t address)
{
    if (c->pending != TARN_NO_OBJECT && !tarn_objects_put(&t->objects, address, c->pending))
        t->out_of_memory = true;
    c->pending = TARN_NO_OBJECT;
}

static void usable_word(tarn_trace *t, const cursor *c, uint64_t address, uint64_t bytes)
{
    uint32_t object = tarn_objects_at(&t->objects, address);
    if (object != TARN_NO_OBJECT)
        queue(t, c,
              (tarn_event){.kind = TARN_EVENT_USABLE,
                           .size = bytes,
                           .address = address,
                           .object = object,
                           .context = TARN_NO_CONTEXT});
}

static void thread_word(tarn_trace *t, const cursor *c, tarn_event_kind kind)
{
    if (c->thread >= t->counts.threads)
        t->counts.threads = c->thread + 1;
    queue(t, c, (tarn_event){.kind = (uint8_t)kind, .context = TARN_NO_CONTEXT});
}

/* Readers keep something for each thread, so a number beyond any program's is damage, not a thread. */
static void thread_begins(tarn_trace *t, cursor *c, uint64_t thread)
{
    if (thread < TARN_THREADS_MAX) {
        c->thread = (uint32_t)thread;
        thread_word(t, c, TARN_EVENT_THREAD_START);
        return;
    }
    t->bad_blocks++;
    t->bad_words += c->count - c->at + 1;
    c->at = c->count;
}

static void other_word(tarn_trace *t, cursor *c, uint64_t word)
{
    uint64_t value = tarn_word_value(word);
    unsigned op = tarn_word_which(word), tail = tarn_word_tail(op);
    const uint64_t *more = c->words + c->at;
    if (tail > c->count - c->at) {
        c->at = c->count; /* cut off by a kill */
        return;
    }
    c->at += tail;
    switch (op) {
    case TARN_OP_STAMP:
        c->stamp = value;
        sift_down(t, 0);
        break;
    case TARN_OP_TIME:
        c->time_ns = value > c->time_ns ? value : c->time_ns;
        break;
    case TARN_OP_THREAD:
        thread_begins(t, c, value);
        break;
    case TARN_OP_THREAD_END:
        thread_word(t, c, TARN_EVENT_THREAD_END);
        break;
    case TARN_OP_REALLOC_BEGIN:
        realloc_begin(t, c, value);
        break;
    case TARN_OP_REALLOC_FAIL:
        realloc_failed(t, c, value);
        break;
    case TARN_OP_USABLE:
        usable_word(t, c, value, more[0]);
        break;
    case TARN_OP_ALLOC_WIDE:
    case TARN_OP_REALLOC_WIDE:
        alloc_word(t, c, more[0], (uint32_t)value, NULL);
        break;
    case TARN_OP_ALLOC_SIZED:
    case TARN_OP_REALLOC_SIZED:
        alloc_word(t, c, more[0], (uint32_t)value, &more[1]);
        break;
    default:
        break; /* of a later version */
    }
}

/* Work on one word, or move on to the next block; false at the end of the trace. */
static bool step(tarn_trace *t)
{
    if (!t->heap_count || t->out_of_memory)
        return false;
    cursor *c = t->heap[0];
    if (!c->words || c->at == c->count) {
        if (!next_block(t, c)) {
            close_words(t, c);
            t->heap[0] = t->heap[--t->heap_count];
        }
        sift_down(t, 0);
        return true;
    }
    uint64_t word = c->words[c->at++];
    switch (tarn_word_kind(word)) {
    case TARN_WORD_FREE:
        free_word(t, c, tarn_word_freed(word));
        break;
    case TARN_WORD_OTHER:
        other_word(t, c, word);
        break;
    default:
        alloc_word(t, c, tarn_word_address(word), tarn_word_key(word), NULL);
        break;
    }
    return true;
}

static void count(tarn_trace *t, const tarn_event *e)
{
    tarn_trace_counts *n = &t->counts;
    n->allocs += e->kind <= TARN_EVENT_ALIGNED;
    n->reallocs += e->kind == TARN_EVENT_REALLOC;
    n->frees += e->kind == TARN_EVENT_FREE;
    n->objects = t->objects.count;
    n->live_at_end = t->live;
    if (t->live > n->peak_live) {
        n->peak_live = t->live;
        n->peak_seq = e->seq;
    }
    if (e->time_ns > n->time_ns)
        n->time_ns = e->time_ns;
}

bool tarn_trace_next(tarn_trace *trace, tarn_event *event)
{
    while (!trace->queued)
        if (!step(trace))
            return false;
    *event = trace->queue[0];
    trace->queue[0] = trace->queue[1];
    trace->queued--;
    event->seq = trace->counts.events++;
    count(trace, event);
    return true;
}

/* Cursors stand before the first block of their slots. */
static void start(tarn_trace *t)
{
    size_t n = 0;
    for (size_t i = 0; i < t->blocks.count; i++) {
        const tarn_block_head *head = &t->blocks.list[i].head;
        if (head->slot == 0)
            continue;
        if (!n || t->blocks.list[i - 1].head.slot != head->slot)
            t->cursors[n++] = (cursor){.next = i, .stamp = head->stamp, .pending = TARN_NO_OBJECT};
        t->cursors[n - 1].end = i + 1;
    }
    t->cursor_count = t->heap_count = n;
    for (size_t i = 0; i < n; i++)
        t->heap[i] = &t->cursors[i];
    for (size_t i = n / 2; i-- > 0;)
        sift_down(t, i);
}

static void stop(tarn_trace *t)
{
    for (size_t i = 0; t->cursors && i < t->cursor_count; i++)
        free(t->cursors[i].words);
    free(t->spare);
    t->spare = NULL;
    tarn_objects_clear(&t->objects);
    t->queued = 0;
    t->live = 0;
}

void tarn_trace_rewind(tarn_trace *trace)
{
    tarn_trace_counts *n = &trace->counts;
    stop(trace);
    *n = (tarn_trace_counts){.failed = n->failed,
                             .file_bytes = n->file_bytes,
                             .told = n->told,
                             .contexts = n->contexts,
                             .modules = n->modules};
    trace->bad_blocks = trace->bad_words = 0;
    start(trace);
}

tarn_trace_status tarn_trace_scan(tarn_trace *trace)
{
    tarn_trace_rewind(trace);
    for (tarn_event e; tarn_trace_next(trace, &e);)
        continue;
    trace->total = *tarn_trace_get_counts(trace);
    trace->scanned = true;
    tarn_trace_status status = tarn_trace_state(trace, NULL);
    if (!trace->out_of_memory)
        tarn_trace_rewind(trace);
    return status;
}

const tarn_trace_counts *tarn_trace_get_counts(const tarn_trace *trace)
{
    /* The losses are kept beside the counts; the trace itself is never a const object. */
    tarn_trace *t = (tarn_trace *)(uintptr_t)trace;
    if (t->scanned)
        return &t->total;
    uint64_t recorder = t->blocks.has_end ? t->blocks.end.lost : t->blocks.live.lost;
    t->counts.lost_blocks = t->blocks.bad_blocks + t->bad_blocks;
    t->counts.lost_events = recorder + t->blocks.bad_words + t->bad_words;
    return &t->counts;
}

static void describe_end(tarn_trace *t)
{
    static const char *const names[] = {"unknown", "exit", "exec", "_exit", "signal"};
    const tarn_blocks *b = &t->blocks;
    uint32_t reason = b->has_end ? b->end.reason : b->has_live ? b->live.ending : TARN_END_UNKNOWN;
    t->info.cpu_ns = b->has_end ? b->end.cpu_ns : b->has_live ? b->live.cpu_ns : 0;
    t->info.end_status = b->has_end ? b->end.status : -1;
    snprintf(t->end_text, sizeof t->end_text, "%s", names[reason <= TARN_END_SIGNAL ? reason : 0]);
    if (reason == TARN_END_SIGNAL)
        snprintf(t->end_text, sizeof t->end_text, "signal %d", WTERMSIG(t->info.end_status));
    else if (reason == TARN_END_UNKNOWN && !b->has_end && tarn_blocks_running(b))
        snprintf(t->end_text, sizeof t->end_text, "running");
    t->info.end = t->end_text;
}

static tarn_trace_status state_of(const tarn_trace *t, const tarn_trace_counts *n, char *why)
{
    const tarn_blocks *b = &t->blocks;
    const char *end = t->info.end;
    if (t->out_of_memory || t->contexts.no_memory) {
        snprintf(why, TARN_TRACE_MESSAGE, "out of memory after %llu events",
                 (unsigned long long)n->events);
        return TARN_TRACE_CORRUPT;
    }
    if (n->lost_blocks || (n->lost_events && !b->cut_off)) {
        snprintf(why, TARN_TRACE_MESSAGE,
                 "about %llu events are missing (%llu damaged blocks left out)",
                 (unsigned long long)n->lost_events, (unsigned long long)n->lost_blocks);
        return TARN_TRACE_CORRUPT;
    }
    if (b->cut_off || (!b->has_end && !b->has_live)) {
        snprintf(why, TARN_TRACE_MESSAGE,
                 b->cut_off ? "the file is cut off: the events at its end are missing"
                            : "the file has no end mark: events at its end may be missing");
        return TARN_TRACE_TRUNCATED;
    }
    if (!strcmp(end, "unknown") || !strcmp(end, "running") || !strncmp(end, "signal", 6)) {
        snprintf(why, TARN_TRACE_MESSAGE, "incomplete: the program %s%s",
                 !strcmp(end, "running") ? "is still running" : "was stopped by ",
                 !strcmp(end, "running")   ? ""
                 : !strcmp(end, "unknown") ? "_exit or a signal"
                                           : end);
        return TARN_TRACE_CUT;
    }
    return TARN_TRACE_COMPLETE;
}

tarn_trace_status tarn_trace_state(const tarn_trace *trace, char *why)
{
    char unused[TARN_TRACE_MESSAGE];
    why = why ? why : unused;
    why[0] = 0;
    return state_of(trace, tarn_trace_get_counts(trace), why);
}

static bool read_contexts(tarn_trace *t)
{
    uint8_t *records = malloc(TARN_SLOT_BYTES);
    uint32_t seq = 0;
    for (size_t i = 0; records && i < t->blocks.count && t->blocks.list[i].head.slot == 0; i++) {
        const tarn_place *place = &t->blocks.list[i];
        t->blocks.bad_blocks += place->head.seq - seq;
        seq = place->head.seq + 1;
        if (!tarn_blocks_read(&t->blocks, place, records) ||
            !tarn_contexts_add(&t->contexts, records, place->head.words))
            t->blocks.bad_blocks++;
    }
    tarn_contexts_seal(&t->contexts);
    t->counts.contexts = t->contexts.count;
    t->counts.modules = t->contexts.module_count;
    free(records);
    return records != NULL;
}

tarn_trace_status tarn_trace_open(const char *path, tarn_trace **trace, char *why)
{
    *trace = NULL;
    tarn_trace *t = calloc(1, sizeof *t);
    why[0] = 0;
    if (!t || !(t->path = strdup(path))) {
        free(t);
        snprintf(why, TARN_TRACE_MESSAGE, "%s: out of memory", path);
        return TARN_TRACE_UNREADABLE;
    }
    bool good = tarn_blocks_open(&t->blocks, path, why);
    if (good) {
        t->cursors = calloc(t->blocks.count + 1, sizeof *t->cursors);
        t->heap = calloc(t->blocks.count + 1, sizeof(cursor *));
        good = t->cursors && t->heap && read_contexts(t);
        if (!good)
            snprintf(why, TARN_TRACE_MESSAGE, "%s: out of memory", path);
    }
    if (!good) {
        tarn_trace_close(t);
        return TARN_TRACE_UNREADABLE;
    }
    const tarn_file_head *file = &t->blocks.file;
    t->info = (tarn_trace_info){.path = t->path,
                                .program = t->contexts.program ? t->contexts.program : "",
                                .command = t->contexts.command ? t->contexts.command : "",
                                .start_unix_ns = file->start_unix_ns,
                                .pid = file->pid,
                                .parent_pid = file->parent_pid};
    t->counts.file_bytes = t->blocks.size;
    for (size_t i = 0; i < t->blocks.count; i++) {
        const tarn_block_head *head = &t->blocks.list[i].head;
        if (head->slot != 0 && head->others <= head->words)
            t->counts.told += head->words - head->others;
    }
    t->counts.failed = t->blocks.has_end ? t->blocks.end.failed : t->blocks.live.failed;
    describe_end(t);
    start(t);
    *trace = t;
    return tarn_trace_state(t, why);
}

const tarn_trace_info *tarn_trace_get_info(const tarn_trace *trace)
{
    return &trace->info;
}

const tarn_trace_context *tarn_trace_get_context(const tarn_trace *trace, uint32_t context)
{
    const tarn_contexts *c = &trace->contexts;
    return context < c->count && c->list[context].frame_count ? &c->list[context] : NULL;
}

const tarn_trace_module *tarn_trace_get_module(const tarn_trace *trace, uint32_t module)
{
    return module < trace->contexts.module_count ? &trace->contexts.modules[module] : NULL;
}

void tarn_trace_close(tarn_trace *trace)
{
    if (!trace)
        return;
    stop(trace);
    tarn_blocks_close(&trace->blocks);
    tarn_contexts_clear(&trace->contexts);
    free(trace->cursors);
    free(trace->heap);
    free(trace->path);
    free(trace);
}
