/* What page.c and pass.c share: totals, and the passes after the first. */
#ifndef CCAAS_PASS_H
#define CCAAS_PASS_H

#include "page.h"

/* An answer to `page` names that total. */
void ccaas_pass_total(struct ccaas_page_walk *walk, int64_t page,
                      int64_t total);

/* As the functions of page.h, in a pass after the first; the headers were
 * checked. */
bool ccaas_pass_next(struct ccaas_page_walk *walk, int64_t *page);
void ccaas_pass_head(struct ccaas_page_walk *walk, int64_t page,
                     const struct ccaas_page_head *head);
enum ccaas_page_past ccaas_pass_past(struct ccaas_page_walk *walk, int64_t page,
                                     int64_t pages);
void ccaas_pass_read(struct ccaas_page_walk *walk, int64_t page);

#endif
