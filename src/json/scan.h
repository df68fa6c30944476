/* The strict scanner of JSON (RFC 8259), inline, for whoever decodes a record
 * that is whole in memory: check.c, find.c and the record decoder.
 *
 * PURE.  (Interface to be shaped by its author.)
 */
#ifndef CCAAS_SCAN_H
#define CCAAS_SCAN_H
#endif
