// SPDX-License-Identifier: MIT
/* All the C++ there is. No exception leaves it. */
#include "text/spm_shim.h"

#include <cerrno>
#include <cstring>
#include <new>
#include <string>
#include <vector>

#include <sentencepiece_processor.h>

/* Exported by the library, declared in a header that it does not install. */
namespace sentencepiece {
namespace logging {
void SetMinLogLevel(int level);
}
}

struct ct_spm_lib {
	sentencepiece::SentencePieceProcessor processor;
};

namespace {

/* Only what ends the process is above an error. */
constexpr int log_no_errors = 3;

int fail(char *why, size_t size, const char *reason)
{
	size_t len = strnlen(reason, size - 1);

	memcpy(why, reason, len);
	why[len] = '\0';
	return -EBADMSG;
}

/* Run what may throw; whatever it throws becomes a code. */
template <typename F> int guarded(char *why, size_t size, F f)
{
	try {
		return f();
	} catch (const std::bad_alloc &) {
		return -ENOMEM;
	} catch (const std::exception &e) {
		return fail(why, size, e.what());
	} catch (...) {
		return fail(why, size, "an exception of an unknown kind");
	}
}

} /* namespace */

extern "C" int ct_spm_lib_new(const void *proto, size_t len,
			      struct ct_spm_lib **out, char *why, size_t size)
{
	ct_spm_lib *lib = nullptr;
	int ret;

	ret = guarded(why, size, [&]() -> int {
		static const bool silent =
			(sentencepiece::logging::SetMinLogLevel(log_no_errors), true);

		(void)silent;
		lib = new ct_spm_lib;
		auto status = lib->processor.LoadFromSerializedProto(
			{ static_cast<const char *>(proto), len });
		if (!status.ok())
			return fail(why, size, status.error_message());
		return 0;
	});
	if (ret) {
		delete lib;
		return ret;
	}
	*out = lib;
	return 0;
}

extern "C" void ct_spm_lib_free(struct ct_spm_lib *lib)
{
	delete lib;
}

extern "C" int ct_spm_lib_encode(const struct ct_spm_lib *lib,
				 const char *text, size_t len,
				 int (*add)(void *to, uint32_t id), void *to,
				 char *why, size_t size)
{
	return guarded(why, size, [&]() -> int {
		std::vector<int> ids;
		auto status = lib->processor.Encode({ text, len }, &ids);
		int ret;

		if (!status.ok())
			return fail(why, size, status.error_message());
		for (int id : ids) {
			ret = add(to, static_cast<uint32_t>(id));
			if (ret)
				return ret;
		}
		return 0;
	});
}
