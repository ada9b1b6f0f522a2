/* SPDX-License-Identifier: MIT */
/* Units of a game behind handles: a target that has died is noticed, in any build; the living are an array. */
#include <stdio.h>

#include <tarn/slots.h>

struct unit {
    int health;
    tarn_slot target; /* may outlive the unit that it stands for */
};
TARN_SLOTS_OF(unit, struct unit)

/* One turn: everyone hits its target, as long as there is one. */
static void turn(tarn_slots *units)
{
    size_t count;
    struct unit *all = tarn_slots_array(units, &count); /* compacting storage: no holes */
    for (size_t i = 0; i < count; i++) {
        struct unit *target = unit_resolve(units, all[i].target);
        if (target != NULL)
            target->health -= 5;
    }
    for (size_t i = count; i-- > 0;) /* from the last: a free moves the last one here */
        if (all[i].health <= 0)
            (void)unit_free(units, tarn_slots_at(units, i));
}

int main(void)
{
    tarn_slots units;
    tarn_slots_options options = {TARN_SLOTS_TYPE(struct unit), .compact = true, .name = "units"};
    if (tarn_slots_init(&units, &options) != TARN_OK)
        return 1;
    struct unit *u;
    tarn_slot first = unit_alloc(&units, &u);
    *u = (struct unit){.health = 20};
    for (int i = 0; i < 3; i++) {
        if (unit_alloc(&units, &u) == 0)
            return 1;
        *u = (struct unit){.health = 10, .target = first};
    }
    for (int i = 1; i <= 2; i++) {
        turn(&units);
        printf("after turn %d: %zu units, the target is %s\n", i, tarn_slots_count(&units),
               unit_resolve(&units, first) != NULL ? "alive" : "gone");
    }
    tarn_slot again = unit_alloc(&units, &u);
    printf("freed again: %s\n", tarn_status_text(unit_free(&units, first)));
    printf("a new unit has %s handle\n", again == first ? "the same" : "another");
    bool right = tarn_slots_count(&units) == 4 && unit_resolve(&units, again) == u;
    tarn_slots_deinit(&units);
    return right ? 0 : 1;
}
