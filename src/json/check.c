/* Checks JSON that is whole, or should be.
 *
 * PURE.
 */
#include "check.h"

#include "scan.h"

enum ccaas_check ccaas_json_check(const char *bytes, size_t length,
                                  size_t *offset, const char **reason)
{
    struct ccaas_scan scan = {.end = bytes + length};
    const char *at = ccaas_scan_space(bytes, scan.end);

    if (at < scan.end && *at == '\xEF')
        at = ccaas_scan_fail(&scan, at, ccaas_json_bom);
    else
        at = ccaas_scan_value(&scan, at, 0);
    if (at) {
        at = ccaas_scan_space(at, scan.end);
        if (at == scan.end)
            return CCAAS_CHECK_OK;
        ccaas_scan_fail(&scan, at, ccaas_json_trailing);
    }
    if (scan.wrong == scan.end)
        return CCAAS_CHECK_MORE;
    if (offset)
        *offset = (size_t)(scan.wrong - bytes);
    if (reason)
        *reason = scan.reason;
    return CCAAS_CHECK_BAD;
}
