/*
 * The record of a sandbox, from its bytes: what is accepted has values in range, and only one form.
 */
#include "fuzz.h"

#include "record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = text_of(data, size);
	struct sbx_record record = { .pid = -1 }, again = { .pid = -1 };

	if (sbx_record_parse(text, size, &record) == 0) {
		need(record.pid >= 0);
		/* One byte more or less is another record, or none. */
		need(sbx_record_parse(text, size - 1, &again) < 0);
	} else {
		need(record.pid == -1);
	}
	free(text);
	return 0;
}
