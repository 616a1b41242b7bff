#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/bytes.h"
#include "common/digest.h"
#include "common/text.h"
#include "tests/unit/support/scratch.h"

static const char abc_md5[] = "900150983cd24fb0d6963f7d28e17f72";
static const char abc_sha256[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

Test(digest, one_pass_gives_both_digests_and_the_size)
{
	struct ota_digest_result result;
	struct ota_digest *digest = ota_digest_new();
	cr_assert_not_null(digest);
	cr_expect_eq(ota_digest_update(digest, "a", 1), 0);
	cr_expect_eq(ota_digest_update(digest, "", 0), 0);
	cr_expect_eq(ota_digest_update(digest, "bc", 2), 0);
	cr_expect_eq(ota_digest_finish(digest, &result), 0);
	cr_expect_eq(result.size, 3);
	cr_expect_str_eq(result.md5, abc_md5);
	cr_expect_str_eq(result.sha256, abc_sha256);
	cr_expect_null(ota_digest_free(digest));
	cr_expect_null(ota_digest_free(NULL));
}

Test(digest, files_are_digested_whole_from_their_start)
{
	char directory[SCRATCH_SIZE], path[SCRATCH_SIZE];
	struct ota_digest_result result;
	scratch_make(directory);
	scratch_write(directory, "f", "abc");
	scratch_path(path, directory, "f");
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	cr_assert_geq(fd, 0);
	cr_expect_eq(lseek(fd, 2, SEEK_SET), 2);
	cr_expect_eq(ota_digest_of_fd(fd, &result, NULL), 0);
	cr_expect_str_eq(result.sha256, abc_sha256);
	cr_expect_eq(lseek(fd, 0, SEEK_CUR), 2, "the descriptor's place is its owner's");
	close(fd);
	cr_expect_eq(ota_digest_of_file(path, &result, NULL), 0);
	cr_expect_eq(result.size, 3);
	scratch_remove(directory);
}

Test(digest, a_file_larger_than_one_piece)
{
	enum { SIZE = 3 * 65536 + 1 };
	char directory[SCRATCH_SIZE], path[SCRATCH_SIZE];
	struct ota_digest_result whole, stream;
	char *data = malloc(SIZE + 1);
	cr_assert_not_null(data);
	for (size_t i = 0; i < SIZE; i++)
		data[i] = (char)('a' + i % 26);
	data[SIZE] = '\0';
	scratch_make(directory);
	scratch_write(directory, "f", data);
	scratch_path(path, directory, "f");
	struct ota_digest *digest = ota_digest_new();
	ota_digest_update(digest, data, SIZE);
	ota_digest_finish(digest, &stream);
	ota_digest_free(digest);
	cr_expect_eq(ota_digest_of_file(path, &whole, NULL), 0);
	cr_expect_eq(whole.size, SIZE);
	cr_expect_str_eq(whole.sha256, stream.sha256);
	cr_expect_str_eq(whole.md5, stream.md5);
	free(data);
	scratch_remove(directory);
}

Test(digest, a_missing_file_is_named)
{
	struct ota_digest_result result;
	struct ota_error error;
	cr_expect_eq(ota_digest_of_file("/nonexistent/f", &result, &error), OTA_ENOTFOUND);
	cr_expect_not_null(strstr(error.text, "/nonexistent/f"));
	cr_expect_eq(ota_digest_of_fd(-1, &result, &error), OTA_EIO);
}

Test(digest, hmac_vector_2_of_rfc_4231)
{
	unsigned char mac[32];
	char text[65];
	cr_assert_eq(ota_digest_hmac("Jefe", 4, "what do ya want for nothing?", 28, mac), 0);
	ota_text_hex(text, mac, sizeof(mac));
	cr_expect_str_eq(text, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

Test(digest, sha256_in_one_call)
{
	unsigned char hash[32];
	char text[65];
	cr_assert_eq(ota_digest_sha256("abc", 3, hash), 0);
	ota_text_hex(text, hash, sizeof(hash));
	cr_expect_str_eq(text, abc_sha256);
}

Test(digest, random_bytes_fill_the_whole_target_and_differ)
{
	unsigned char a[600] = {0}, b[600] = {0};
	size_t zeros = 0;
	cr_assert_eq(ota_random(a, sizeof(a)), 0); /* more than the 256 bytes the kernel promises in one call */
	cr_assert_eq(ota_random(b, sizeof(b)), 0);
	cr_expect_arr_neq(a, b, sizeof(a));
	for (size_t i = 500; i < sizeof(a); i++)
		zeros += a[i] == 0;
	cr_expect_lt(zeros, 50);
}
