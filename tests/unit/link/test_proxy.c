#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "link/link.h"
#include "link/proxy.h"
#include "link/server.h"

Test(link_proxy, is_a_url_with_host_and_port)
{
	static const char *const good[] = {"http://proxy:3128", "http://10.0.0.1:1", "http://[::1]:3128",
					   "http://ada:p%40w@proxy:80"};
	static const char *const bad[] = {
		"",             "proxy:3128",         "https://proxy:3128", "http://proxy",          "http://:3128",
		"http://proxy:0", "http://proxy:65536", "http://proxy:3128/", "http://a@b@proxy:3128", "http://@proxy:3128",
		"http://proxy :3128", "socks5://proxy:3128",
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		cr_expect_eq(ota_proxy_check(good[i], NULL), 0, "%s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_eq(ota_proxy_check(bad[i], NULL), OTA_EINVALID, "%s", bad[i]);
}

Test(link_proxy, a_refusal_does_not_repeat_the_password)
{
	struct ota_error error = {0};

	cr_expect_eq(ota_proxy_check("http://ada:secret@proxy", &error), OTA_EINVALID);
	cr_expect_null(strstr(error.text, "secret"), "%s", error.text);
}

Test(link_proxy, spares_hosts_and_domains_by_name)
{
	static const struct {
		const char *no_proxy, *host;
		bool spares;
	} cases[] = {
		{NULL, "a.example.net", false},          {"", "a.example.net", false},
		{"a.example.net", "a.example.net", true}, {"A.example.NET", "a.example.net", true},
		{"example.net", "a.example.net", true},  {".example.net", "a.example.net", true},
		{"example.net", "notexample.net", false}, {"other.org, example.net", "a.example.net", true},
		{"other.org example.net", "x", false},   {"*", "anything", true},
		{"127.0.0.1", "127.0.0.1", true},        {"::1", "::1", true},
		{" , ", "x", false},                     {".", "x", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect_eq(ota_proxy_spares(cases[i].no_proxy, cases[i].host), cases[i].spares, "%s / %s",
			     cases[i].no_proxy ? cases[i].no_proxy : "-", cases[i].host);
}

Test(link_proxy, one_of_the_environment_is_refused_rather_than_followed)
{
	static const struct {
		const char *name, *url, *proxy;
		int code;
	} cases[] = {
		{"http_proxy", "mqtt://host", NULL, OTA_ECONFLICT},
		{"https_proxy", "mqtts://host", NULL, OTA_ECONFLICT},
		{"https_proxy", "mqtt://host", NULL, 0},
		{"http_proxy", "mqtt://host", "http://ours:3128", 0},
	};
	const struct ota_link_handlers handlers = {0};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct ota_link_options options = {.url = cases[i].url, .client_id = "x", .proxy = cases[i].proxy};
		struct ota_link *link = NULL;

		unsetenv("http_proxy");
		unsetenv("https_proxy");
		setenv(cases[i].name, "http://theirs:3128", 1);
		cr_expect_eq(ota_link_open(&options, &handlers, &link, NULL), cases[i].code, "case %zu", i);
		ota_link_free(link, 0);
	}
}

Test(link_server, is_read_from_a_url)
{
	static const struct {
		const char *url, *paho, *host, *address;
		bool tls;
	} good[] = {
		{"mqtt://host", "tcp://host:1883", "host", "host:1883", false},
		{"mqtts://host", "ssl://host:8883", "host", "host:8883", true},
		{"mqtts://host:1", "ssl://host:1", "host", "host:1", true},
		{"mqtt://[::1]:1884", "tcp://[::1]:1884", "::1", "[::1]:1884", false},
		{"mqtt://[::1]", "tcp://[::1]:1883", "::1", "[::1]:1883", false},
	};
	static const char *const bad[] = {"",		  "host",	  "tcp://host", "mqtt://",
					  "mqtt://:1883", "mqtt://host:", "mqtt://a/b", "mqtt://u@h"};
	struct link_server server;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		cr_assert_eq(link_server_parse(good[i].url, &server, NULL), 0, "%s", good[i].url);
		cr_expect_str_eq(server.url, good[i].paho);
		cr_expect_str_eq(server.host, good[i].host);
		cr_expect_str_eq(link_server_address(&server), good[i].address);
		cr_expect_eq(server.tls, good[i].tls);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_eq(link_server_parse(bad[i], &server, NULL), OTA_EINVALID, "%s", bad[i]);
}
