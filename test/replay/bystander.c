/* SPDX-License-Identifier: MIT */
/* bystander.c - a library without a malloc: preloading it changes nothing, and tarn replay has to notice. */
extern int replay_bystander(void);

__attribute__((visibility("default"))) int replay_bystander(void)
{
    return 1;
}
