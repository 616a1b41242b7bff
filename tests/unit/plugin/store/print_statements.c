/* Prints the store's schema and statements as a script for psql, from the tables the store itself runs. */
#include <stdio.h>

#include "plugin/store/schema.h"
#include "plugin/store/statement.h"

static int line_print(const char *statement)
{
	OTA_AUTO_BYTES struct ota_bytes sql = {0};

	ota_schema_print(statement, OTA_DIALECT_POSTGRES, &sql);
	return sql.failed ? -1 : printf("%s;\n", sql.data);
}

int main(void)
{
	const struct ota_schema *schema = ota_schema();

	if (line_print(ota_schema_root()) < 0)
		return 1;
	for (size_t step = 0; step < schema->count; step++)
		for (const char *const *statement = schema->steps[step].statements; *statement; statement++)
			if (line_print(*statement) < 0)
				return 1;
	for (int i = 0; i < OTA_SQL_STATEMENTS; i++) {
		const struct ota_statement *statement = ota_statement((enum ota_sql)i);

		if (printf("PREPARE %s AS %s;\n", statement->name, statement->sql) < 0)
			return 1;
	}
	return fflush(stdout) ? 1 : 0;
}
