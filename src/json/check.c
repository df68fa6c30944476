/* Checks JSON that is whole, or should be.
 *
 * PURE.
 */
#include "check.h"

#include "scan.h"

enum cc_check cc_json_check(const char *bytes, size_t length, size_t *offset,
                            const char **reason)
{
    struct cc_scan scan = {.end = bytes + length};
    const char *at = cc_scan_space(bytes, scan.end);

    if (at < scan.end && *at == '\xEF')
        at = cc_scan_fail(&scan, at, cc_json_bom);
    else
        at = cc_scan_value(&scan, at, 0);
    if (at) {
        at = cc_scan_space(at, scan.end);
        if (at == scan.end)
            return CC_CHECK_OK;
        cc_scan_fail(&scan, at, cc_json_trailing);
    }
    if (scan.wrong == scan.end)
        return CC_CHECK_MORE;
    if (offset)
        *offset = (size_t)(scan.wrong - bytes);
    if (reason)
        *reason = scan.reason;
    return CC_CHECK_BAD;
}
