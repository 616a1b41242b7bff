#include <criterion/criterion.h>
#include <stdio.h>
#include <unistd.h>

#include "gateway/listener.h"

Test(listener, places_are_read)
{
	static const struct {
		const char *text, *host, *port;
	} rows[] = {
		{"127.0.0.1:8080", "127.0.0.1", "8080"}, {"[::1]:0", "::1", "0"}, {":65535", "", "65535"}, {"a.b:1", "a.b", "1"}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ota_listener_place place;

		cr_assert_eq(ota_listener_parse(rows[i].text, &place, NULL), 0, "%s", rows[i].text);
		cr_expect_str_eq(place.host, rows[i].host);
		cr_expect_str_eq(place.port, rows[i].port);
	}
}

Test(listener, what_is_no_place_is_refused)
{
	static const char *const rows[] = { "", "8080", "a", "a:", "a:x", "a:65536", "a:-1", "a:1 ", "a:99999999999999999999" };
	struct ota_listener_place place;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect_eq(ota_listener_parse(rows[i], &place, NULL), OTA_EINVALID, "%s", rows[i]);
}

Test(listener, the_url_tells_the_bound_port)
{
	char url[OTA_LISTENER_URL_SIZE];
	struct ota_error error = { 0 };
	char wanted[64];
	int fd;

	cr_assert_eq(ota_listener_open("127.0.0.1:0", &fd, &error), 0, "%s", error.text);
	ota_listener_url(fd, "http", url);
	cr_expect_gt(ota_listener_port(fd), 0);
	(void)snprintf(wanted, sizeof(wanted), "http://127.0.0.1:%d", ota_listener_port(fd));
	cr_expect_str_eq(url, wanted);
	(void)close(fd);
}

Test(listener, a_taken_port_is_told_with_its_place)
{
	struct ota_error error = { 0 };
	char taken[64];
	int fd, other;

	cr_assert_eq(ota_listener_open("127.0.0.1:0", &fd, NULL), 0);
	(void)snprintf(taken, sizeof(taken), "127.0.0.1:%d", ota_listener_port(fd));
	cr_expect_lt(ota_listener_open(taken, &other, &error), 0);
	cr_expect_not_null(strstr(error.text, taken));
	(void)close(fd);
}
