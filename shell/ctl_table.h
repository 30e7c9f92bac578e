/*
 * Text in columns, and numbers as a person reads them. No control character gets out.
 */
#ifndef SBX_CTL_TABLE_H
#define SBX_CTL_TABLE_H

#include <stdint.h>
#include <stdio.h>

#include "util.h"

#define CTL_AMOUNT_MAX 32

/* Cells row by row, the titles first; the last column is as wide as it is. */
struct ctl_table {
	size_t columns;
	struct sbx_strv cells;
};

/* Returns 0, or -ENOMEM when a cell couldn't be added. The table is done after it. */
int ctl_table_print(struct ctl_table *table, FILE *out);

/* How an amount is counted, as the policy does. */
enum ctl_unit { CTL_UNIT_BYTES, CTL_UNIT_CPUS, CTL_UNIT_COUNT };

/* "12.3M", "0.25", "17"; "-" for SBX_USAGE_NONE. */
void ctl_amount(char text[static CTL_AMOUNT_MAX], enum ctl_unit unit, uint64_t value);

/* The number for JSON, or null for SBX_USAGE_NONE. */
void ctl_json_amount(FILE *out, uint64_t value);

#endif
