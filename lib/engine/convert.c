// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/api.h"
#include "engine/convert.h"
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

int ct_phase_progress(void *arg, uint64_t done, uint64_t total)
{
	const struct ct_phase *phase = arg;
	const struct ctrans_convert_params *p = phase->params;

	return p->progress ? p->progress(p->progress_arg, phase->name, done, total) :
			     0;
}

static int convert(const char *path, const struct ctrans_convert_params *params,
		   const char *out, struct ct_err *err)
{
	struct ctrans_convert_params p;
	struct ct_phase phase = { &p, "Loading" };
	struct ctrans_model_params open;
	struct ct_model *model;
	struct ct_core *core;
	struct ct_save how;
	int ret;

	if (!path || !*path)
		return ct_fail(err, -EINVAL,
			       "no model named: give a Hugging Face directory or a GGUF file");
	if (!out || !*out)
		return ct_fail(err, -EINVAL, "no file named to write to");
	ret = ct_convert_params_take(&p, params, err);
	if (!ret)
		ret = check_source(path, out, err);
	if (ret)
		return ret;
	ctrans_model_params_init(&open, sizeof(open));
	open.device = p.device;
	open.levels = p.levels;
	open.calibration = p.calibration;
	open.calibration_len = p.calibration_len;
	open.progress = ct_phase_progress;
	open.progress_arg = &phase;
	ret = ct_core_open_files(path, &open, NULL, NULL, &core, &model, err);
	if (ret)
		return ret;
	phase.name = "Writing";
	how = (struct ct_save){
		.source = path,
		.levels = p.levels,
		.progress = ct_phase_progress,
		.progress_arg = &phase,
	};
	ret = ct_core_save(core, model, out, &how, err);
	ct_model_close(model);
	ct_core_close(core);
	return ret;
}

int ctrans_convert(const char *path, const struct ctrans_convert_params *params,
		   const char *out)
{
	struct ct_err err = { 0 };

	return ct_api_return(convert(path, params, out, &err), &err);
}
