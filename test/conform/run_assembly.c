/* SPDX-License-Identifier: MIT */
/* The suite on assemblies: allocators made of allocators, as a program would put them together. */
#include "conform/run.h"

#include "support/assembly.h"

int main(int argc, char **argv)
{
    tarn_conform_options table[ASSEMBLY_COUNT] = {0};
    for (size_t i = 0; i < ASSEMBLY_COUNT; i++)
        table[i] = (tarn_conform_options){.name = assemblies[i].name,
                                          .make = assembly_make,
                                          .unmake = assembly_unmake,
                                          .user = (void *)(uintptr_t)&assemblies[i],
                                          .max_align = assemblies[i].max_align,
                                          .max_size = assemblies[i].max_size};
    return run_table(table, ASSEMBLY_COUNT, argc, argv);
}
