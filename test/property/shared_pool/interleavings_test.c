/* SPDX-License-Identifier: MIT */
/*
 * Every interleaving of the lock-free part of the shared pool (strategy/shared_pool_message.h), run on its own code.
 *
 * Two or three actors run as coroutines. Each access of the protocol is a step: before it an actor hands back to the
 * explorer, which goes through all schedules, depth first, and runs the scenario anew for each. What is sequentially
 * consistent in the code is so here: one step at a time. (That it is enough: M2 there.)
 *
 * A scenario has a home with one bell, and one chunk of two words that ring one bit of it or two; the senders hold blocks of it, the owner takes, and
 * gives the chunk away when it is empty. What must hold after each schedule: every block came home exactly once, the last
 * taking finds what is left, and nobody touched the chunk after it had gone.
 */
#include "support/tarn_test.h"

#include <stdbool.h>
#include <stdio.h>
#include <ucontext.h>

static void step(const void *address);
#define TARN_SHARED_STEP(address) step(address)

#include "strategy/shared_pool_message.h"

enum { ACTORS = 3, STACK = 64 * 1024, MOST_STEPS = 64 };

/* ── The explorer ── */

static ucontext_t explorer, actors[ACTORS];
static char stacks[ACTORS][STACK];
static bool done[ACTORS];
static int running = -1, count;

/* ── The shared memory, and what is known about it ── */

static uintptr_t bell, words[2];
static bool gone;          /* the chunk */
static uintptr_t home[2];  /* blocks that came home */
static uintptr_t begun[2]; /* all that were out */
static const char *broken;

static void step(const void *address)
{
    if (gone && (address == &words[0] || address == &words[1]))
        broken = "the chunk was touched after it had gone";
    if (running >= 0)
        (void)swapcontext(&actors[running], &explorer);
    if (gone && (address == &words[0] || address == &words[1]))
        broken = "the chunk was touched after it had gone";
}

/* Word w rings bit w of the bell when the scenario says so, else both ring bit 0. */
static bool two_bits;

static uintptr_t bit_of(int w)
{
    return two_bits ? (uintptr_t)1 << w : 1;
}

static void take_all(void)
{
    uintptr_t ring = tarn_message_listen(&bell);
    for (int w = 0; w < 2 && !gone; w++) {
        if ((ring & bit_of(w)) == 0)
            continue;
        uintptr_t bits = tarn_message_take(&words[w]);
        if ((bits & home[w]) != 0)
            broken = "a block came home twice";
        home[w] |= bits;
    }
    if (home[0] == begun[0] && home[1] == begun[1])
        gone = true;
}

static void send(int w, uintptr_t bits)
{
    if (tarn_message_send(&words[w], bits, &bell, bit_of(w)) != 0)
        broken = "a block was sent twice";
}

static void sender_of_both(void)
{
    send(0, 1);
    send(1, 2);
}

static void sender_to_first(void)
{
    send(0, 4);
}

static void another_to_first(void)
{
    send(0, 16);
}

static void sender_to_second(void)
{
    send(1, 8);
}

static void owner_once(void)
{
    take_all();
}

static void owner_twice(void)
{
    take_all();
    take_all();
}

typedef struct scenario {
    void (*actors[ACTORS])(void);
    bool two_bits;
    uintptr_t out[2]; /* blocks that the senders hold */
} scenario;

static const scenario *now;

static void run_actor(int who)
{
    now->actors[who]();
    done[who] = true;
    running = -1;
    (void)swapcontext(&actors[who], &explorer);
}

static void start(const scenario *s)
{
    now = s;
    two_bits = s->two_bits;
    bell = words[0] = words[1] = home[0] = home[1] = 0;
    begun[0] = s->out[0];
    begun[1] = s->out[1];
    gone = false;
    broken = NULL;
    for (count = 0; count < ACTORS && s->actors[count] != NULL; count++) {
        done[count] = false;
        getcontext(&actors[count]);
        actors[count].uc_stack.ss_sp = stacks[count];
        actors[count].uc_stack.ss_size = STACK;
        actors[count].uc_link = NULL;
        makecontext(&actors[count], (void (*)(void))run_actor, 1, count);
    }
}

/* Run along the choices given, then always the first that can go on; returns the number of choices made. */
static int run(const scenario *s, int *choice, int *options, int given)
{
    int made = 0;
    start(s);
    for (;;) {
        int able[ACTORS], n = 0;
        for (int i = 0; i < count; i++) {
            if (!done[i])
                able[n++] = i;
        }
        if (n == 0)
            return made;
        assert_true(made < MOST_STEPS);
        if (made >= given)
            choice[made] = 0;
        options[made] = n;
        running = able[choice[made++]];
        (void)swapcontext(&explorer, &actors[running]);
    }
}

static void judge(void)
{
    running = -1;
    uintptr_t sent = words[0] | words[1];
    if (broken == NULL && sent != 0 && bell == 0)
        broken = "blocks were sent and the bell is silent";
    if (broken == NULL)
        take_all();
    if (broken == NULL && (home[0] != begun[0] || home[1] != begun[1]))
        broken = "a block did not come home";
}

static size_t explore(const scenario *s)
{
    static int choice[MOST_STEPS], options[MOST_STEPS];
    size_t schedules = 0;
    int given = 0;
    for (;;) {
        int made = run(s, choice, options, given);
        judge();
        schedules++;
        if (broken != NULL) {
            fprintf(stderr, "schedule");
            for (int i = 0; i < made; i++)
                fprintf(stderr, " %d", choice[i]);
            fprintf(stderr, ": ");
            fail_msg("%s", broken);
        }
        while (made > 0 && choice[made - 1] + 1 == options[made - 1])
            made--;
        if (made == 0)
            return schedules;
        choice[made - 1]++;
        given = made;
    }
}

static void a_sender_and_an_owner(void **state)
{
    static const scenario s[] = {{{sender_of_both, owner_twice}, false, {1, 2}},
                                 {{sender_of_both, owner_twice}, true, {1, 2}}};
    (void)state;
    assert_in_range(explore(&s[0]), 500, 100000);
    assert_in_range(explore(&s[1]), 500, 100000);
}

static void two_senders_and_an_owner(void **state)
{
    static const scenario s[] = {{{sender_to_first, sender_to_second, owner_once}, false, {4, 8}},
                                 {{sender_to_first, sender_to_second, owner_once}, true, {4, 8}},
                                 {{sender_to_first, another_to_first, owner_once}, false, {20, 0}}};
    (void)state;
    for (int i = 0; i < 3; i++)
        assert_in_range(explore(&s[i]), 1000, 1000000);
}

static void a_sender_and_owners_in_turn(void **state)
{
    static const scenario s = {{sender_to_first, owner_twice}, false, {4, 0}};
    (void)state;
    assert_in_range(explore(&s), 30, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sender_and_an_owner),
        cmocka_unit_test(two_senders_and_an_owner),
        cmocka_unit_test(a_sender_and_owners_in_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
