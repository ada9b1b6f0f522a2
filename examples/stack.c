/* SPDX-License-Identifier: MIT */
/* A stack with two users: a parser's scopes at the low end, what they give back at the high end. */
#include <stdio.h>

#include <tarn/new.h>

struct scope {
    struct scope *outer;
    int depth;
};

static struct scope *enter(tarn_stack *stack, struct scope *outer)
{
    struct scope *s = tarn_new(stack, struct scope);
    if (s != NULL)
        *s = (struct scope){outer, outer != NULL ? outer->depth + 1 : 1};
    return s;
}

static struct scope *leave(tarn_stack *stack, struct scope *s)
{
    struct scope *outer = s->outer;
    tarn_delete(stack, s);
    return outer;
}

int main(void)
{
    static _Alignas(16) char bytes[1024];
    static const char text[] = "(()((())))";
    tarn_stack stack;
    if (tarn_stack_init(&stack, &(tarn_stack_options){
                                    .name = "parser",
                                    .buffer = bytes,
                                    .buffer_size = sizeof bytes,
                                }) != TARN_OK)
        return 1;
    tarn_allocator *results = tarn_stack_allocator(&stack, TARN_STACK_HIGH);

    int *depths = tarn_new_array(results, int, sizeof text);
    size_t count = 0;
    struct scope *now = NULL;
    for (const char *c = text; *c != '\0' && depths != NULL; c++) {
        if (*c == '(') {
            now = enter(&stack, now);
            if (now == NULL)
                return 1;
            depths[count++] = now->depth;
        } else {
            now = leave(&stack, now);
        }
    }
    for (size_t i = 0; i < count; i++)
        printf("scope %zu at depth %d\n", i, depths[i]);
    printf("%zu bytes were enough for the scopes\n", tarn_stack_peak(&stack, TARN_STACK_LOW));
    tarn_stack_deinit(&stack);
    return now == NULL && count == 5 ? 0 : 1;
}
