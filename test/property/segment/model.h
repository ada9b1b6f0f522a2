/* SPDX-License-Identifier: MIT */
/*
 * model.h - what a worker in a segment has done, written where its death does not reach, and the
 * judgement of a segment by it.
 *
 * A worker says before a step what it is about to do (COMING, GOING) and afterwards that it is done
 * (THERE, NOTHING). After its death, what is THERE must be there, contents and all; what was COMING
 * or GOING may be; nothing else; and all the rest of the room can be had.
 */
#ifndef TARN_PROPERTY_SEGMENT_MODEL_H
#define TARN_PROPERTY_SEGMENT_MODEL_H

#include <tarn/segment.h>

enum { BLOCK = 48, CAPACITY = 150, BLOCKS = 100, ROOM = 12000, TEXTS = 150, NAMED = 6 };

typedef enum stage { NOTHING, COMING, THERE, GOING } stage;

typedef struct thing {
    volatile int stage;
    unsigned salt;
    size_t at, size; /* bytes from the beginning of the segment */
} thing;

typedef struct model {
    thing block[BLOCKS], text[TEXTS], named[NAMED];
    volatile int resetting;       /* all texts are about to go */
    volatile int line;            /* where the worker saw something that must not be; 0 */
    volatile size_t steps, texts; /* done; texts that are THERE */
} model;

typedef struct worker {
    tarn_segment segment;
    tarn_segment_pool pool;
    tarn_segment_arena arena;
    model *model;
    uint64_t random;
    int fd;
} worker;

/* What a worker does. */
typedef enum step {
    STEP_TAKE,    /* a block    */
    STEP_FREE,    /* a block    */
    STEP_PUBLISH, /* a block    */
    STEP_WRITE,   /* a text     */
    STEP_UNWRITE, /* the latest text */
    STEP_STRETCH, /* the latest text */
    STEP_RESET,   /* all texts  */
    STEP_MAKE,    /* named memory */
    STEP_REMOVE,  /* named memory */
    STEP_REOPEN,
    STEPS
} step;

uint64_t draw(uint64_t *random);

/* false: refused; the reason is in w->segment. */
bool worker_open(worker *w, int fd, model *m, uint64_t seed);
void worker_do(worker *w, step s);
void worker_do_any(worker *w);

/* NULL, or what is wrong. Afterwards model and segment agree: what was on its way is gone. Nobody
 * else is in the segment, or nobody who changes anything. */
const char *model_judge(model *m, tarn_segment *s);

/* Is every THERE block as it was written? */
bool model_blocks_hold(const model *m, const tarn_segment *s);

#endif
