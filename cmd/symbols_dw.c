/* SPDX-License-Identifier: MIT */
/* Names by elfutils' libdw. A file is opened when a frame in it is asked for; one with another build-id is left alone. */
#include "cmd/symbols.h"

#include <elfutils/libdwfl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct symbols {
    const tarn_trace *trace;
    Dwfl *dwfl;
    Dwfl_Module **modules; /* by trace module; NULL = not opened */
    bool *tried;
};

static char *debug_path; /* libdw's default: beside the file, .debug, /usr/lib/debug */

static const Dwfl_Callbacks callbacks = {.find_elf = dwfl_build_id_find_elf,
                                         .find_debuginfo = dwfl_standard_find_debuginfo,
                                         .section_address = dwfl_offline_section_address,
                                         .debuginfo_path = &debug_path};

symbols *symbols_open(const tarn_trace *trace)
{
    uint32_t count = tarn_trace_get_counts(trace)->modules;
    symbols *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->trace = trace;
    s->modules = calloc(count + 1, sizeof(Dwfl_Module *));
    s->tried = calloc(count + 1, sizeof *s->tried);
    unsetenv("DEBUGINFOD_URLS"); /* names come from this machine, never over a network */
    s->dwfl = dwfl_begin(&callbacks);
    if (!s->modules || !s->tried || !s->dwfl) {
        symbols_close(s);
        return NULL;
    }
    return s;
}

static bool same_file(Dwfl_Module *module, const char *build_id)
{
    const unsigned char *bits;
    GElf_Addr where;
    int length = dwfl_module_build_id(module, &bits, &where);
    if (length <= 0)
        return build_id[0] == 0;
    char hex[129] = "";
    for (size_t i = 0; i < (size_t)length && i < 64; i++)
        snprintf(hex + i * 2, 3, "%02x", bits[i]);
    return !strcmp(hex, build_id);
}

static Dwfl_Module *module_of(symbols *s, uint32_t number)
{
    const tarn_trace_module *m = tarn_trace_get_module(s->trace, number);
    if (s->tried[number])
        return s->modules[number];
    s->tried[number] = true;
    dwfl_report_begin_add(s->dwfl);
    Dwfl_Module *opened = dwfl_report_elf(s->dwfl, m->path, m->path, -1, m->bias, true);
    dwfl_report_end(s->dwfl, NULL, NULL);
    GElf_Addr bias;
    if (opened && dwfl_module_getelf(opened, &bias) && same_file(opened, m->build_id))
        s->modules[number] = opened;
    return s->modules[number];
}

static void plain(const symbols *s, const tarn_trace_frame *frame, char *out, size_t room)
{
    const tarn_trace_module *m = s ? tarn_trace_get_module(s->trace, frame->module) : NULL;
    const char *slash = m ? strrchr(m->path, '/') : NULL;
    const char *name = !m ? "?" : slash ? slash + 1 : m->path;
    snprintf(out, room, "%s+0x%llx", name, (unsigned long long)frame->offset);
}

void symbols_name(symbols *names, const tarn_trace_frame *frame, char *out, size_t room)
{
    bool known = names && frame->module != TARN_NO_MODULE;
    Dwfl_Module *module = known ? module_of(names, frame->module) : NULL;
    uint64_t call =
        frame->address - 1; /* the return address may belong to the next line, or function */
    const char *function = module ? dwfl_module_addrname(module, call) : NULL;
    if (!function) {
        plain(names, frame, out, room);
        return;
    }
    int line = 0;
    Dwfl_Line *place = dwfl_module_getsrc(module, call);
    const char *file = place ? dwfl_lineinfo(place, NULL, &line, NULL, NULL, NULL) : NULL;
    const char *slash = file ? strrchr(file, '/') : NULL;
    if (file)
        snprintf(out, room, "%s (%s:%d)", function, slash ? slash + 1 : file, line);
    else
        snprintf(out, room, "%s", function);
}

void symbols_close(symbols *names)
{
    if (!names)
        return;
    if (names->dwfl)
        dwfl_end(names->dwfl);
    free(names->modules);
    free(names->tried);
    free(names);
}
