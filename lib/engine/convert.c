// SPDX-License-Identifier: MIT
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "convert/threshold.h"
#include "engine/api.h"
#include "engine/calibrate.h"
#include "engine/convert.h"
#include "engine/convert_weights.h"
#include "engine/little.h"
#include "engine/model.h"
#include "engine/save.h"
#include "uapi/ctrans_regs.h"

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
		ret = ct_fail(err, -EINVAL, "%s: is converted already: take the model that it "
			      "was made from", path);
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

static int search(struct ct_core *core, struct ct_calibration *c,
		  const struct ctrans_convert_params *p, struct ct_err *err)
{
	struct ct_phase phase = { p, "Thresholds" };
	struct ct_calibrate how = { .progress = ct_phase_progress, .arg = &phase };
	double noise = p->noise_db > 0 ? (double)p->noise_db : CT_THRESHOLD_NOISE_DB;
	struct ctrans_chip_costs chip;
	struct ct_value_costs costs;
	int ret = ct_device_costs(core->dev, CTRANS_OPP_RESET, &chip, err);

	if (ret)
		return ret;
	ct_value_costs_of(&chip, &costs);
	return ct_core_search_thresholds(core, c, noise, &costs, &how, err);
}

/* What a run over the text says, in @core and for whoever packs. */
static int calibrate(struct ct_core *core, const struct ctrans_convert_params *p,
		     struct ct_calibration **out, struct ct_err *err)
{
	struct ct_phase phase = { p, "Calibrating" };
	struct ct_calibrate how = {
		.tokens = p->calibration_tokens,
		.task = p->task,
		.gram = p->correct,
		.progress = ct_phase_progress,
		.arg = &phase,
	};
	struct ct_calibration *c;
	int ret = ct_core_observe(core, p->calibration, p->calibration_len, &how, &c,
				  err);

	if (ret)
		return ret;
	if (p->smooth > 0)
		ret = ct_core_smooth(core, c, p->smooth, err);
	if (!ret && !strcmp(p->thresholds, "rms"))
		ct_thresholds_rms(c, p->levels);
	else if (!ret)
		ret = search(core, c, p, err);
	if (!ret)
		ret = ct_core_take_thresholds(core, c, err);
	if (ret)
		ct_calibration_close(c);
	else
		*out = c;
	return ret;
}

static bool compresses(const struct ctrans_convert_params *p)
{
	return !strcmp(p->weights, "esc");
}

/*
 * The core's image once more and in its place, each matrix compressed for which that
 * is shorter. Nothing runs on it any more.
 */
static int compress(struct ct_core *core, struct ct_matrix_report *reports,
		    struct ct_err *err)
{
	struct ct_image image;
	void *bytes;
	int ret = ct_image_compress_plan(&core->cfg, &core->image, core->weights.cpu,
					 &image, err);

	if (ret)
		return ret;
	bytes = calloc(1, image.bytes);
	ret = bytes ? ct_image_compress(&core->cfg, &core->image, core->weights.cpu,
					&image, bytes, err) :
		      ct_fail(err, -ENOMEM, "no memory for %" PRIu64
			      " bytes of compressed weights", image.bytes);
	if (!ret) {
		ct_convert_compressed(core, &image, reports);
		memcpy(core->weights.cpu, bytes, image.bytes);
		ct_image_free(&core->image);
		core->image = image;
	} else {
		ct_image_free(&image);
	}
	free(bytes);
	return ret;
}

/* Would the weights be other than those that the model was opened with? */
static bool repacks(const struct ctrans_convert_params *p)
{
	return compresses(p) || (p->calibration && p->correct) || p->smooth > 0;
}

static int convert_core(struct ct_core *core, const struct ct_model *model,
			const struct ctrans_convert_params *p, struct ct_err *err)
{
	struct ct_matrix_report *reports = calloc(core->image.n, sizeof(*reports));
	struct ct_calibration *c = NULL;
	int ret = reports ? 0 : ct_fail(err, -ENOMEM, "out of memory");

	if (!ret)
		ct_convert_matrices(core, reports);
	if (!ret && p->calibration)
		ret = calibrate(core, p, &c, err);
	if (!ret && model && repacks(p))
		ret = ct_convert_weights(core, model, c, p, reports, err);
	if (!ret && compresses(p))
		ret = compress(core, reports, err);
	if (!ret && p->report)
		ret = ct_convert_report(core, c, reports, p, err);
	ct_calibration_close(c);
	free(reports);
	return ret;
}

/* What is to be written, opened as it was trained; a little one as @big needs it. */
struct source {
	const char *path;
	struct ct_core *core;
	struct ct_model *model;
};

static int open_source(struct source *s, const char *path,
		       const struct ctrans_convert_params *p,
		       const struct ct_core *big, struct ct_err *err)
{
	struct ct_phase phase = { p, "Loading" };
	struct ctrans_model_params open;

	ctrans_model_params_init(&open, sizeof(open));
	open.device = p->device;
	open.levels = p->levels;
	open.context = big ? ct_little_context(big) : 0;
	open.progress = ct_phase_progress;
	open.progress_arg = &phase;
	s->path = path;
	return ct_core_open_files(path, &open, NULL, big ? big->dev : NULL, &s->core,
				  &s->model, err);
}

static void close_source(struct source *s)
{
	ct_model_close(s->model);
	ct_core_close(s->core);
}

/* Its layers are no part of the report. */
static int convert_little(struct source *little, const struct source *big,
			  const struct ctrans_convert_params *p, const char *out,
			  struct ct_err *err)
{
	struct ctrans_convert_params its = *p;
	int ret;

	its.report = NULL;
	ret = check_source(p->little, out, err);
	if (!ret)
		ret = open_source(little, p->little, &its, big->core, err);
	if (!ret)
		ret = ct_little_check(big->core, little->core, err);
	if (!ret)
		ret = convert_core(little->core, little->model, &its, err);
	if (ret)
		ct_err_prefix(err, "little model %s", p->little);
	return ret;
}

static int write_file(const struct source *big, const struct source *little,
		      const struct ctrans_convert_params *p, const char *out,
		      struct ct_err *err)
{
	struct ct_phase phase = { p, "Writing" };
	struct ct_save how = {
		.source = big->path,
		.levels = strcmp(p->thresholds, "rms") ? 0 : p->levels,
		.progress = ct_phase_progress,
		.progress_arg = &phase,
		.little = little->core,
		.little_source = little->path,
	};

	return ct_core_save(big->core, big->model, out, &how, err);
}

static int convert(const char *path, const struct ctrans_convert_params *params,
		   const char *out, struct ct_err *err)
{
	struct ctrans_convert_params p;
	struct source big = { 0 }, little = { 0 };
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
	ret = open_source(&big, path, &p, NULL, err);
	/* the little one first: it shows sooner if it does not fit */
	if (!ret && p.little && *p.little)
		ret = convert_little(&little, &big, &p, out, err);
	if (!ret)
		ret = convert_core(big.core, big.model, &p, err);
	if (!ret)
		ret = write_file(&big, &little, &p, out, err);
	close_source(&little);
	close_source(&big);
	return ret;
}

int ctrans_convert(const char *path, const struct ctrans_convert_params *params,
		   const char *out)
{
	struct ct_err err = { 0 };

	return ct_api_return(convert(path, params, out, &err), &err);
}
