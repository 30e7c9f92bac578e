#include "ctl_table.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "usage.h"

#define COLUMNS_MAX 16
#define GAP 2

/* Is this the last cell of its row that says something? */
static bool is_last(const struct ctl_table *table, size_t cell)
{
	for (cell++; cell % table->columns != 0; cell++)
		if (table->cells.items[cell][0])
			return false;
	return true;
}

static size_t clean(char *text)
{
	size_t length = 0;

	for (; text[length]; length++)
		if ((unsigned char)text[length] < ' ' || text[length] == 0x7f)
			text[length] = '?';
	return length;
}

int ctl_table_print(struct ctl_table *table, FILE *out)
{
	size_t widths[COLUMNS_MAX] = { 0 }, columns = table->columns;
	bool failed = table->cells.failed || columns > COLUMNS_MAX;

	for (size_t i = 0; !failed && i < table->cells.count; i++) {
		size_t length = clean(table->cells.items[i]);

		if (length > widths[i % columns])
			widths[i % columns] = length;
	}
	for (size_t i = 0; !failed && i < table->cells.count; i++) {
		bool last = is_last(table, i);

		(void)fprintf(out, "%-*s%s", last ? 0 : (int)widths[i % columns] + GAP,
			      table->cells.items[i], last ? "\n" : "");
		if (last)
			i += columns - 1 - i % columns;
	}
	sbx_strv_done(&table->cells);
	return failed ? -ENOMEM : 0;
}

static void format_bytes(char text[static CTL_AMOUNT_MAX], uint64_t value)
{
	static const char units[] = "KMGT";
	uint64_t unit = 1024;
	size_t i = 0;

	if (value < unit) {
		(void)snprintf(text, CTL_AMOUNT_MAX, "%" PRIu64, value);
		return;
	}
	while (units[i + 1] && value / unit >= 1024) {
		unit *= 1024;
		i++;
	}
	if (value % unit == 0)
		(void)snprintf(text, CTL_AMOUNT_MAX, "%" PRIu64 "%c", value / unit, units[i]);
	else
		(void)snprintf(text, CTL_AMOUNT_MAX, "%.1f%c", (double)value / (double)unit,
			       units[i]);
}

void ctl_amount(char text[static CTL_AMOUNT_MAX], enum ctl_unit unit, uint64_t value)
{
	if (value == SBX_USAGE_NONE)
		(void)snprintf(text, CTL_AMOUNT_MAX, "-");
	else if (unit == CTL_UNIT_BYTES)
		format_bytes(text, value);
	else if (unit == CTL_UNIT_CPUS)
		(void)snprintf(text, CTL_AMOUNT_MAX, "%.2f", (double)value / 1000);
	else
		(void)snprintf(text, CTL_AMOUNT_MAX, "%" PRIu64, value);
}

void ctl_json_amount(FILE *out, uint64_t value)
{
	if (value == SBX_USAGE_NONE)
		(void)fputs("null", out);
	else
		(void)fprintf(out, "%" PRIu64, value);
}
