/* SPDX-License-Identifier: MIT */
/*
 * A drawing as SVG 1.1, made in memory and written as one file. Shapes have
 * classes, whose colours svg.c has for light and for dark surroundings. Lengths
 * are pixels from the upper left. What goes wrong is found by svg_end().
 */
#ifndef CTRANS_TOOL_SVG_H
#define CTRANS_TOOL_SVG_H

#include <stddef.h>
#include <stdio.h>

struct svg {
	FILE *to;
	char *bytes;
	size_t len;
	double width, height;
};

enum svg_anchor { SVG_START, SVG_MIDDLE, SVG_END };

/* @title and @about are for those who do not see it. */
void svg_begin(struct svg *svg, double width, double height, const char *title,
	       const char *about);
void svg_rect(struct svg *svg, const char *class, double x, double y,
	      double width, double height);
void svg_line(struct svg *svg, const char *class, double x1, double y1,
	      double x2, double y2);
void svg_circle(struct svg *svg, const char *class, double x, double y, double r);
/* A line through @n points, x and y in turn. */
void svg_path(struct svg *svg, const char *class, const double *xy, size_t n);
/* @turn: degrees, clockwise, around the anchor. */
void svg_text(struct svg *svg, const char *class, double x, double y,
	      enum svg_anchor anchor, double turn, const char *fmt, ...)
	__attribute__((format(printf, 7, 8)));
/* Write it to @path. An exit status; what is wrong has been printed. */
int svg_end(struct svg *svg, const char *path);

#endif
