/* Retry-After, of answers and in errors: see retry_after.h. */
#include "retry_after.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "header.h"
#include "retry.h"

double cc_retry_after_of(const char *headers, size_t length, double wall)
{
    const char *after = cc_header(headers, length, "retry-after");
    const char *date = cc_header(headers, length, "date");
    int64_t sent;

    if (!after)
        return -1;
    sent = cc_retry_date(date, date ? strlen(date) : 0, (int64_t)wall);
    return cc_retry_after(after, strlen(after), sent);
}

/* Seconds as text, in tenths where they are not whole.  (%g would depend on the
 * locale.) */
static const char *text_of(double seconds, char *to, size_t room)
{
    long long tenths = llround(fmin(seconds, CC_RETRY_AFTER_MOST) * 10);

    if (tenths % 10)
        snprintf(to, room, "%lld.%lld", tenths / 10, tenths % 10);
    else
        snprintf(to, room, "%lld", tenths / 10);
    return to;
}

void cc_retry_after_tell(struct ccaas_error *error, double pause,
                         double max_retry_after)
{
    size_t used = strlen(error->message);
    char asked[32], most[32];

    if (error->retry_after < 0)
        return;
    text_of(error->retry_after, asked, sizeof asked);
    text_of(max_retry_after, most, sizeof most);
    if (pause == CC_RETRY_TOO_LONG)
        snprintf(error->message + used, sizeof error->message - used,
                 "; the server asks to wait %s s, longer than max_retry_after "
                 "(%s s): call again after that time, or set a deadline or a "
                 "larger max_retry_after",
                 asked, most);
    else if (pause == CC_RETRY_TOO_LATE)
        snprintf(error->message + used, sizeof error->message - used,
                 "; the server asks to wait %s s, until after the deadline",
                 asked);
}
