/* What page.c and pass.c share: totals, and the passes after the first.
 * PURE. */
#ifndef CC_PAGE_OWN_H
#define CC_PAGE_OWN_H

#include "page.h"

/* An answer to `page` names that total. */
void cc_pass_total(struct cc_page_walk *walk, int64_t page, int64_t total);

/* As the functions of page.h, in a pass after the first; the headers were
 * checked. */
bool cc_pass_next(struct cc_page_walk *walk, int64_t *page);
void cc_pass_head(struct cc_page_walk *walk, int64_t page,
                  const struct cc_page_head *head);
enum cc_page_past cc_pass_past(struct cc_page_walk *walk, int64_t page,
                               int64_t pages);
void cc_pass_read(struct cc_page_walk *walk, int64_t page);

#endif
