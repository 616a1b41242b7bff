#include "tests/sim/order.h"

static const struct {
	const char *command;
	bool names_batch, names_device, names_version;
} words[ORDER_KINDS] = {
	[ORDER_REGISTER] = { "registerDevices", false, false, false },
	[ORDER_PACKAGE] = { "addPackage", false, false, true },
	[ORDER_CREATE] = { "createBatch", false, false, true },
	[ORDER_PAUSE] = { "pauseBatch", true, false, false },
	[ORDER_RESUME] = { "resumeBatch", true, false, false },
	[ORDER_CANCEL] = { "cancelBatch", true, false, false },
	[ORDER_YANK] = { "yankPackage", false, false, true },
	[ORDER_DISABLE] = { "disableDevice", false, true, false },
	[ORDER_ENABLE] = { "enableDevice", false, true, false },
	[ORDER_UNBAR] = { "unbarDevice", false, true, false },
	[ORDER_ADVANCE] = { "advanceBatch", true, false, false },
	[ORDER_SET] = { "updateBatch", true, false, false },
	[ORDER_CONFIRM] = { "confirmTasks", true, false, false },
};

const char *order_word(enum order_kind kind)
{
	return words[kind].command;
}

/* Any digests will do: nobody downloads. */
#define MEASURES                                                                                                                 \
	"\"size\":1000,\"md5\":\"900150983cd24fb0d6963f7d28e17f72\","                                                            \
	"\"sha256\":\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\",\"url\":\"https://gw/p\""

static void create_print(const struct order *order, int64_t now_ms, struct ota_bytes *out)
{
	ota_bytes_format(out, ",\"kind\":\"%s\",\"override\":true,\"reason\":\"simulated\",\"onConflict\":\"%s\",\"targets\":%s,"
			      "\"strategy\":",
			 order->batch_kind, order->conflict, order->targets);
	plan_print(&order->plan, now_ms, out);
}

void order_print(const struct order *order, int64_t now_ms, struct ota_bytes *out)
{
	ota_bytes_format(out, "\"command\":\"%s\"%s", words[order->kind].command, order->is_dry ? ",\"dryRun\":true" : "");
	if (words[order->kind].names_batch)
		ota_bytes_format(out, ",\"batch\":%lld", (long long)order->batch);
	else
		ota_bytes_format(out, ",\"productKey\":\"PK\"");
	if (words[order->kind].names_device)
		ota_bytes_format(out, ",\"deviceName\":\"d%d\"", order->device);
	if (words[order->kind].names_version)
		ota_bytes_format(out, ",\"module\":\"%s\",\"version\":\"%s\"", order->module, order->version);
	if (order->kind == ORDER_REGISTER)
		ota_bytes_format(out, ",\"names\":%s", order->targets);
	if (order->kind == ORDER_PACKAGE)
		ota_bytes_format(out, "," MEASURES);
	if (order->kind == ORDER_CREATE)
		create_print(order, now_ms, out);
	if (order->kind == ORDER_CANCEL)
		ota_bytes_format(out, ",\"level\":\"%s\"", order->level);
	if (order->kind == ORDER_YANK)
		ota_bytes_format(out, ",\"force\":true");
	if (order->kind == ORDER_CONFIRM)
		ota_bytes_format(out, ",\"%s", order->targets);
}
