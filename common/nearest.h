/*
 * Nearest: which known word somebody meant who wrote an unknown one.
 */
#ifndef OTA_COMMON_NEAREST_H
#define OTA_COMMON_NEAREST_H

/* The word with the smallest edit distance (a swap of neighbours counts as one edit, case as none); NULL when even that one
 * differs in more than a third of its letters: a far-fetched hint is worse than none. words is NULL-terminated. */
const char *ota_nearest(const char *word, const char *const *words);

#endif
