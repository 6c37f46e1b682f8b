// SPDX-License-Identifier: MIT
#include "svg.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "utf8.h"

/*
 * Colours that people of every colour vision tell apart (Okabe and Ito, 2008), the
 * dark ones lightened for a dark background.
 */
static const char style[] =
	"<style>\n"
	"text { font: 13px system-ui, sans-serif; fill: #222 }\n"
	".title { font-size: 17px; font-weight: 600 }\n"
	".small { font-size: 11px }\n"
	".paper { fill: #fff }\n"
	".axis { stroke: #555; fill: none }\n"
	".grid { stroke: #ddd; fill: none }\n"
	".faint { fill: #e4e4e4 }\n"
	".zero { fill: #bdbdbd }\n"
	".spiking { fill: #0072b2 }\n"
	".dense { fill: #e69f00 }\n"
	".outlier { fill: #d55e00 }\n"
	".mark { fill: none; stroke: #222; stroke-width: 1.5 }\n"
	".curve-dense, .curve-radix, .curve-naf, .curve-rate "
	"{ fill: none; stroke-width: 2 }\n"
	".curve-dense { stroke: #e69f00; stroke-width: 3 }\n"
	".curve-radix { stroke: #0072b2; stroke-width: 1.5 }\n"
	".curve-naf { stroke: #009e73; stroke-width: 1.5 }\n"
	".curve-rate { stroke: #cc79a7 }\n"
	"@media (prefers-color-scheme: dark) {\n"
	"text { fill: #ddd }\n"
	".paper { fill: #1b1b1b }\n"
	".axis { stroke: #999 }\n"
	".grid { stroke: #3a3a3a }\n"
	".faint { fill: #383838 }\n"
	".zero { fill: #5e5e5e }\n"
	".spiking { fill: #56b4e9 }\n"
	".mark { stroke: #ddd }\n"
	".curve-radix { stroke: #56b4e9 }\n"
	".curve-naf { stroke: #2fc79a }\n"
	"}\n"
	"</style>\n";

/* What cannot be part of XML at all becomes U+FFFD. */
static void escaped(struct svg *svg, const char *text)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len;) {
		const unsigned char *s = (const unsigned char *)text + i;
		size_t n = utf8_char(s, len - i);

		if (!n || *s < 0x20) {
			fputs("\xef\xbf\xbd", svg->to);
			n = 1;
		} else if (*s == '<') {
			fputs("&lt;", svg->to);
		} else if (*s == '>') {
			fputs("&gt;", svg->to);
		} else if (*s == '&') {
			fputs("&amp;", svg->to);
		} else {
			fwrite(s, 1, n, svg->to);
		}
		i += n;
	}
}

void svg_begin(struct svg *svg, double width, double height, const char *title,
	       const char *about)
{
	*svg = (struct svg){ .width = width, .height = height };
	svg->to = open_memstream(&svg->bytes, &svg->len);
	if (!svg->to)
		return;
	fprintf(svg->to,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\">\n<title>",
		width, height, width, height);
	escaped(svg, title);
	fputs("</title>\n<desc>", svg->to);
	escaped(svg, about);
	fprintf(svg->to, "</desc>\n%s", style);
	svg_rect(svg, "paper", 0, 0, width, height);
}

void svg_rect(struct svg *svg, const char *class, double x, double y,
	      double width, double height)
{
	if (svg->to && width > 0 && height > 0)
		fprintf(svg->to,
			"<rect class=\"%s\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\"/>\n",
			class, x, y, width, height);
}

void svg_line(struct svg *svg, const char *class, double x1, double y1,
	      double x2, double y2)
{
	if (svg->to)
		fprintf(svg->to,
			"<line class=\"%s\" x1=\"%.2f\" y1=\"%.2f\" x2=\"%.2f\" y2=\"%.2f\"/>\n",
			class, x1, y1, x2, y2);
}

void svg_circle(struct svg *svg, const char *class, double x, double y, double r)
{
	if (svg->to)
		fprintf(svg->to,
			"<circle class=\"%s\" cx=\"%.2f\" cy=\"%.2f\" r=\"%.2f\"/>\n",
			class, x, y, r);
}

void svg_path(struct svg *svg, const char *class, const double *xy, size_t n)
{
	if (!svg->to)
		return;
	fprintf(svg->to, "<path class=\"%s\" d=\"", class);
	for (size_t i = 0; i < n; i++)
		fprintf(svg->to, "%s%.2f %.2f", i ? " L" : "M", xy[2 * i],
			xy[2 * i + 1]);
	fputs("\"/>\n", svg->to);
}

void svg_text(struct svg *svg, const char *class, double x, double y,
	      enum svg_anchor anchor, double turn, const char *fmt, ...)
{
	static const char *const anchors[] = { "start", "middle", "end" };
	char text[512];
	va_list ap;

	if (!svg->to)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fprintf(svg->to,
		"<text class=\"%s\" x=\"%.2f\" y=\"%.2f\" text-anchor=\"%s\"",
		class, x, y, anchors[anchor]);
	if (turn < 0 || turn > 0)
		fprintf(svg->to, " transform=\"rotate(%.0f %.2f %.2f)\"", turn,
			x, y);
	fputc('>', svg->to);
	escaped(svg, text);
	fputs("</text>\n", svg->to);
}

/* Whole, or as it was: the drawing takes the name when it is complete. */
static int write_file(const struct svg *svg, const char *path)
{
	size_t room = strlen(path) + 8;
	char *part = malloc(room);
	FILE *to = NULL;
	int fd, err;

	if (!part)
		return fail(EXIT_MEMORY, "out of memory");
	snprintf(part, room, "%s.XXXXXX", path);
	fd = mkostemp(part, 0);
	if (fd >= 0)
		to = fdopen(fd, "wb");
	err = to ? 0 : errno;
	if (to) {
		mode_t mask = umask(0);

		umask(mask);
		if (fwrite(svg->bytes, 1, svg->len, to) != svg->len ||
		    fchmod(fd, 0666 & ~mask))
			err = errno;
		if (fclose(to) && !err)
			err = errno;
		if (!err && rename(part, path))
			err = errno;
	}
	if (err && fd >= 0)
		unlink(part);
	free(part);
	return err ? fail(EXIT_FAILED, "%s cannot be written: %s", path,
			  strerror(err)) : EXIT_OK;
}

int svg_end(struct svg *svg, const char *path)
{
	bool failed = !svg->to;
	int status;

	if (svg->to) {
		fputs("</svg>\n", svg->to);
		failed = ferror(svg->to) | fclose(svg->to);
	}
	status = failed ? fail(EXIT_MEMORY, "out of memory") :
			  write_file(svg, path);
	free(svg->bytes);
	*svg = (struct svg){ 0 };
	return status;
}
