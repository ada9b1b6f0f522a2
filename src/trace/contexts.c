/* SPDX-License-Identifier: MIT */
/* Records of slot 0 into tables. Frames are resolved to files as they stood when the context was told: a file loaded
 * later at the same place comes later in the records. */
#include "trace/contexts.h"

#include "trace/meta.h"

#include <stdlib.h>

/* Room for one more: false when memory is out. */
static bool grow(void **list, uint32_t *room, uint32_t count, size_t each)
{
    if (count < *room)
        return true;
    uint32_t more = *room ? *room * 2 : 64;
    void *bigger = more > *room ? realloc(*list, more * each) : NULL;
    if (!bigger)
        return false;
    *list = bigger;
    *room = more;
    return true;
}

static char *take_text(tarn_bytes *in)
{
    uint64_t length = tarn_varint_get(in);
    const uint8_t *at = tarn_bytes_take(in, length);
    char *text = at ? malloc((size_t)length + 1) : NULL;
    if (!text)
        return NULL;
    memcpy(text, at, (size_t)length);
    text[length] = 0;
    return text;
}

static char *take_hex(tarn_bytes *in)
{
    uint64_t length = tarn_varint_get(in);
    const uint8_t *at = tarn_bytes_take(in, length);
    char *text = at ? malloc((size_t)length * 2 + 1) : NULL;
    if (!text)
        return NULL;
    for (uint64_t i = 0; i < length; i++) {
        text[i * 2] = "0123456789abcdef"[at[i] >> 4];
        text[i * 2 + 1] = "0123456789abcdef"[at[i] & 15];
    }
    text[length * 2] = 0;
    return text;
}

static bool add_process(tarn_contexts *c, tarn_bytes *in)
{
    free(c->program);
    free(c->command);
    c->pid = (uint32_t)tarn_varint_get(in);
    c->parent_pid = (uint32_t)tarn_varint_get(in);
    c->program = take_text(in);
    c->command = take_text(in);
    return c->program && c->command;
}

static bool add_module(tarn_contexts *c, tarn_bytes *in)
{
    void *list = c->modules;
    bool room = grow(&list, &c->module_room, c->module_count, sizeof *c->modules);
    c->modules = list;
    if (!room)
        return false;
    tarn_trace_module m = {.bias = tarn_varint_get(in)};
    m.start = tarn_varint_get(in);
    m.end = tarn_varint_get(in);
    m.build_id = take_hex(in);
    char *path = take_text(in);
    if (path && !path[0] && c->program) {
        free(path);
        path = strdup(c->program);
    }
    m.path = path;
    if (!m.build_id || !m.path) {
        free((void *)(uintptr_t)m.build_id);
        free(path);
        return false;
    }
    c->modules[c->module_count++] = m;
    return true;
}

static uint32_t module_of(tarn_contexts *c, uint64_t address)
{
    uint32_t m = c->last_module;
    if (m < c->module_count &&
        address - c->modules[m].start < c->modules[m].end - c->modules[m].start)
        return m;
    for (m = c->module_count; m-- > 0;)
        if (address - c->modules[m].start < c->modules[m].end - c->modules[m].start)
            return c->last_module = m;
    return TARN_NO_MODULE;
}

static bool add_frame(tarn_contexts *c, uint64_t address)
{
    if (c->frame_count == c->frame_room) {
        size_t room = c->frame_room ? c->frame_room * 2 : 1024;
        tarn_trace_frame *frames = realloc(c->frames, room * sizeof *frames);
        if (!frames)
            return false;
        c->frames = frames;
        c->frame_room = room;
    }
    uint32_t m = module_of(c, address);
    uint64_t bias = m == TARN_NO_MODULE ? 0 : c->modules[m].bias;
    c->frames[c->frame_count++] =
        (tarn_trace_frame){.address = address, .offset = address - bias, .module = m};
    return true;
}

static bool room_for_key(tarn_contexts *c, uint64_t number)
{
    if (number >= TARN_KEYS_MAX)
        return false;
    while (c->count <= number) {
        if (c->count == c->room) {
            uint32_t room = c->room ? c->room * 2 : 1024;
            void *list = realloc(c->list, room * sizeof *c->list);
            c->list = list ? list : c->list;
            void *first = realloc(c->first_frame, room * sizeof *c->first_frame);
            c->first_frame = first ? first : c->first_frame;
            if (!list || !first)
                return false;
            c->room = room;
        }
        c->first_frame[c->count] = 0;
        c->list[c->count++] = (tarn_trace_context){0};
    }
    return true;
}

/* before = the frames of the stack told before in this block: place and count. */
static bool add_key(tarn_contexts *c, tarn_bytes *in, size_t *before, uint32_t *before_count)
{
    uint64_t number = tarn_varint_get(in);
    tarn_trace_context key = {0};
    key.kind = (uint8_t)tarn_varint_get(in);
    key.align_log2 = (uint8_t)(tarn_varint_get(in) & 63);
    uint64_t flags = tarn_varint_get(in);
    key.any_size = flags & TARN_KEY_ANY_SIZE;
    key.unwound = flags & TARN_KEY_UNWOUND;
    key.size = tarn_varint_get(in);
    key.stack_offset = (uint32_t)tarn_varint_get(in);
    uint64_t shared = tarn_varint_get(in), own = tarn_varint_get(in);
    if (in->bad || shared > *before_count || own + shared > TARN_FRAMES_MAX || own == 0 ||
        key.kind > 3 || !room_for_key(c, number))
        return false;
    size_t first = c->frame_count;
    uint64_t address = 0;
    for (uint64_t i = 0; i < own; i++) {
        address += tarn_unzigzag(tarn_varint_get(in));
        if (!add_frame(c, address))
            return false;
    }
    for (uint64_t i = 0; i < shared; i++)
        if (!add_frame(c, c->frames[*before + *before_count - shared + i].address))
            return false;
    key.frame_count = (uint32_t)(own + shared);
    c->list[number] = key;
    c->first_frame[number] = *before = first;
    *before_count = key.frame_count;
    return !in->bad;
}

bool tarn_contexts_add(tarn_contexts *contexts, const uint8_t *records, size_t length)
{
    tarn_bytes in = {.at = records, .end = records + length};
    size_t before = 0;
    uint32_t before_count = 0;
    bool good = true;
    while (in.at < in.end) {
        uint8_t type = *in.at++;
        uint64_t size = tarn_varint_get(&in);
        const uint8_t *at = tarn_bytes_take(&in, size);
        if (!at)
            return false;
        tarn_bytes record = {.at = at, .end = at + size};
        if (type == TARN_META_PROCESS)
            good &= add_process(contexts, &record);
        else if (type == TARN_META_MODULE)
            good &= add_module(contexts, &record);
        else if (type == TARN_META_KEY)
            good &= add_key(contexts, &record, &before, &before_count);
    }
    return good;
}

void tarn_contexts_seal(tarn_contexts *contexts)
{
    for (uint32_t i = 0; i < contexts->count; i++)
        if (contexts->list[i].frame_count)
            contexts->list[i].frames = contexts->frames + contexts->first_frame[i];
}

void tarn_contexts_clear(tarn_contexts *contexts)
{
    for (uint32_t i = 0; i < contexts->module_count; i++) {
        free((void *)(uintptr_t)contexts->modules[i].path);
        free((void *)(uintptr_t)contexts->modules[i].build_id);
    }
    free(contexts->modules);
    free(contexts->list);
    free(contexts->first_frame);
    free(contexts->frames);
    free(contexts->program);
    free(contexts->command);
    *contexts = (tarn_contexts){0};
}
