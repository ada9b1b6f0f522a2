/* SPDX-License-Identifier: MIT */
/* A request whose blocks end with it, but for its result, which is stolen by who wants it. */
#include <stdio.h>

#include <tarn/new.h>
#include <tarn/scope.h>
#include <tarn/source.h>

static void say_closed(void *what)
{
    printf("%s is closed\n", (const char *)what);
}

static char *answer(tarn_scope *caller, const char *question)
{
    tarn_scope request;
    char *result = NULL, name[] = "the connection";
    if (tarn_scope_init(&request,
                        &(tarn_scope_options){.parent = tarn_libc(), .name = "request"}) != TARN_OK)
        return NULL;
    tarn_allocator *a = tarn_scope_allocator(&request);
    if (tarn_scope_defer(&request, say_closed, name) == TARN_OK) {
        char *copy = tarn_strdup(a, question); /* not freed by hand: it ends with the request */
        result = copy != NULL ? tarn_new_array(a, char, 80) : NULL;
        if (result != NULL)
            (void)snprintf(result, 80, "you asked: %s", copy);
        if (result != NULL && tarn_scope_steal(caller, &request, result) != TARN_OK)
            result = NULL;
    }
    tarn_scope_deinit(&request);
    return result;
}

int main(void)
{
    tarn_scope session;
    if (tarn_scope_init(&session, &(tarn_scope_options){.parent = tarn_libc()}) != TARN_OK)
        return 1;
    const char *text = answer(&session, "what is a tarn?");
    printf("%s\n", text != NULL ? text : "no memory");
    tarn_scope_deinit(&session);
    return text != NULL ? 0 : 1;
}
