// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/api.h"
#include "engine/model.h"
#include "engine/save.h"

/* Renaming over the source would lose it, converted weights being no way back. */
static int check_out(const struct ct_files *files, const char *out,
		     struct ct_err *err)
{
	struct stat a, b;

	for (uint32_t i = 0; i < files->n; i++)
		if (!fstat(files->v[i].fd, &a) && !stat(out, &b) &&
		    a.st_dev == b.st_dev && a.st_ino == b.st_ino)
			return ct_fail(err, -EINVAL,
				       "%s: is what is to be converted: name another file",
				       out);
	return 0;
}

/* Before its weights are read for nothing. */
static int check_source(const char *path, const char *out, struct ct_err *err)
{
	struct ct_model *model;
	int ret;

	if (!strncmp(path, CT_SHAPE_PREFIX, strlen(CT_SHAPE_PREFIX)))
		return 0;
	ret = ct_model_open(path, &model, err);
	if (ret)
		return ret;
	ret = check_out(&model->files, out, err);
	if (!ret && model->converted)
		ret = ct_fail(err, -EINVAL, "%s: is converted already", path);
	ct_model_close(model);
	return ret;
}

static int convert(const char *path, const struct ctrans_model_params *params,
		   const char *out, struct ct_err *err)
{
	struct ctrans_model_params p;
	struct ct_model *model;
	struct ct_core *core;
	struct ct_save how;
	int ret;

	if (!path || !*path)
		return ct_fail(err, -EINVAL,
			       "no model named: give a Hugging Face directory or a GGUF file");
	if (!out || !*out)
		return ct_fail(err, -EINVAL, "no file named to write to");
	ret = ct_model_params_take(&p, params, err);
	if (!ret && p.flags)
		ret = ct_fail(err, -EINVAL,
			      "flags %#x: only whole, packed models are converted",
			      p.flags);
	if (!ret)
		ret = check_source(path, out, err);
	if (!ret)
		ret = ct_core_open_files(path, &p, NULL, &core, &model, err);
	if (ret)
		return ret;
	how = (struct ct_save){
		.source = path,
		.levels = p.levels,
		.progress = p.progress,
		.progress_arg = p.progress_arg,
	};
	ret = ct_core_save(core, model, out, &how, err);
	ct_model_close(model);
	ct_core_close(core);
	return ret;
}

int ctrans_convert(const char *path, const struct ctrans_model_params *params,
		   const char *out)
{
	struct ct_err err = { 0 };

	return ct_api_return(convert(path, params, out, &err), &err);
}
