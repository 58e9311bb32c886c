// PNG by libpng: every colour type and depth, interlaced or not; and RGB to PNG.
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <png.h>

#include "Workspace.h"

// A file in memory, read or written through libpng's callbacks.
typedef struct png_file {
    ci_workspace *workspace;
    const uint8_t *bytes;
    size_t count;
    // What was read, or what was written into the workspace's file.
    size_t position;
    ci_status status;
} png_file;

// MARK: Callbacks

static void leave(png_structp png, png_const_charp text) {
    png_file *io = png_get_error_ptr(png);
    if (io->status == CI_OK) {
        io->status = ci_fail(io->workspace, CI_DAMAGED, "is a damaged PNG: %s", text);
    }
    png_longjmp(png, 1);
}

static void ignore_warning(png_structp png, png_const_charp text) {
    (void)png;
    (void)text;
}

static void read_bytes(png_structp png, png_bytep out, size_t count) {
    png_file *io = png_get_io_ptr(png);
    if (count > io->count - io->position) {
        io->status = ci_fail(io->workspace, CI_DAMAGED, "is a PNG that is cut short");
        png_error(png, "");
    }
    memcpy(out, io->bytes + io->position, count);
    io->position += count;
}

static void write_bytes(png_structp png, png_bytep bytes, size_t count) {
    png_file *io = png_get_io_ptr(png);
    if (count > io->count - io->position) {
        io->status = ci_fail(io->workspace, CI_INVALID, "makes a PNG larger than foreseen");
        png_error(png, "");
    }
    memcpy(io->workspace->file.bytes + io->position, bytes, count);
    io->position += count;
}

static void flush(png_structp png) { (void)png; }

// MARK: Rows

// How a row of the file becomes RGB, after libpng has undone filters and packing.
typedef struct conversion {
    int color;
    int depth;
    png_const_colorp palette;
    int colors;
} conversion;

// The gray of a sample below 8 bits: 0 is black, the largest is white.
static uint8_t scaled(uint8_t sample, int depth) {
    switch (depth) {
        case 1: return sample ? 255 : 0;
        case 2: return (uint8_t)(sample * 85);
        case 4: return (uint8_t)(sample * 17);
        default: return sample;
    }
}

static void fill(uint8_t *rgb, uint8_t gray) { rgb[0] = rgb[1] = rgb[2] = gray; }

static void convert_gray(const conversion *how, const uint8_t *row, uint8_t *rgb, size_t width) {
    const bool has_alpha = how->color == PNG_COLOR_TYPE_GRAY_ALPHA;
    for (size_t x = 0; x < width; x++, rgb += 3) {
        if (how->depth < 16) {
            fill(rgb, scaled(row[x * (has_alpha ? 2 : 1)], how->depth));
        } else if (has_alpha) {
            // With alpha, Pillow takes the high byte ...
            fill(rgb, row[x * 4]);
        } else {
            // ... and without it keeps 16 bits, of which `convert` saturates what is above 255.
            fill(rgb, row[x * 2] ? 255 : row[x * 2 + 1]);
        }
    }
}

static void convert_palette(const conversion *how, const uint8_t *row, uint8_t *rgb,
                            size_t width) {
    for (size_t x = 0; x < width; x++, rgb += 3) {
        // An index beyond the palette is black, as in Pillow.
        const png_color color =
            row[x] < how->colors ? how->palette[row[x]] : (png_color){0, 0, 0};
        rgb[0] = color.red;
        rgb[1] = color.green;
        rgb[2] = color.blue;
    }
}

static void convert_row(const conversion *how, const uint8_t *row, uint8_t *rgb, size_t width) {
    switch (how->color) {
        case PNG_COLOR_TYPE_GRAY:
        case PNG_COLOR_TYPE_GRAY_ALPHA: convert_gray(how, row, rgb, width); return;
        case PNG_COLOR_TYPE_PALETTE: convert_palette(how, row, rgb, width); return;
        default: break;
    }
    const size_t bytes = how->depth == 16 ? 2 : 1;
    const size_t step = (how->color == PNG_COLOR_TYPE_RGB_ALPHA ? 4 : 3) * bytes;
    if (step == 3) {
        memcpy(rgb, row, width * 3);
        return;
    }
    // Of 16 bits the high byte comes first and is what is kept.
    for (size_t x = 0; x < width; x++, rgb += 3, row += step) {
        rgb[0] = row[0];
        rgb[1] = row[bytes];
        rgb[2] = row[2 * bytes];
    }
}

// MARK: Reading

static ci_status read_rows(ci_workspace *workspace, png_structp png, png_infop info,
                           ci_image *out) {
    conversion how = {.color = png_get_color_type(png, info),
                      .depth = png_get_bit_depth(png, info)};
    png_colorp palette = NULL;
    if (png_get_PLTE(png, info, &palette, &how.colors)) how.palette = palette;
    const size_t width = png_get_image_width(png, info);
    const size_t height = png_get_image_height(png, info);
    const int passes = png_set_interlace_handling(png);
    png_set_packing(png);
    png_read_update_info(png, info);
    const size_t stride = png_get_rowbytes(png, info);
    // The passes of an interlaced image each add to all rows, which have to be kept.
    const size_t kept = passes > 1 ? height : 1;
    const png_file *io = png_get_io_ptr(png);
    const ci_status status = ci_check_memory(
        workspace, (uint64_t)width * height * 3 + (uint64_t)stride * kept, io->count);
    if (status != CI_OK) return status;
    uint8_t *pixels = ci_reserve(workspace, &workspace->pixels, width * height * 3);
    uint8_t *raw = pixels ? ci_reserve(workspace, &workspace->raw, stride * kept) : NULL;
    if (!raw) return CI_OUT_OF_MEMORY;
    for (int pass = 0; pass < passes; pass++) {
        for (size_t y = 0; y < height; y++) {
            uint8_t *row = raw + (passes > 1 ? y * stride : 0);
            png_read_row(png, row, NULL);
            if (pass == passes - 1) convert_row(&how, row, pixels + y * width * 3, width);
        }
    }
    *out = (ci_image){.pixels = pixels, .width = (int32_t)width, .height = (int32_t)height};
    return CI_OK;
}

static ci_status read_image(png_file *io, png_structp png, png_infop info,
                            uint64_t maximum_pixels, ci_header *header, ci_image *out) {
    png_set_read_fn(png, io, read_bytes);
    // Texts and profiles are of no use here, and are a way to ask for much memory.
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_read_info(png, info);
    const png_uint_32 width = png_get_image_width(png, info);
    const png_uint_32 height = png_get_image_height(png, info);
    const ci_status status = ci_check_size(io->workspace, width, height, maximum_pixels);
    if (status != CI_OK) return status;
    *header = (ci_header){
        .format = CI_PNG, .width = (int32_t)width, .height = (int32_t)height};
    return out ? read_rows(io->workspace, png, info, out) : CI_OK;
}

// In a function of its own, so that no variable changes between `setjmp` and the jump.
static ci_status read_guarded(png_file *io, png_structp png, png_infop info,
                              uint64_t maximum_pixels, ci_header *header, ci_image *out) {
    if (setjmp(png_jmpbuf(png))) return io->status;
    return read_image(io, png, info, maximum_pixels, header, out);
}

ci_status ci_png_read(ci_workspace *workspace, const uint8_t *file, size_t count,
                      uint64_t maximum_pixels, ci_header *header, ci_image *out) {
    png_file io = {.workspace = workspace, .bytes = file, .count = count};
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &io, leave, ignore_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    if (!info) {
        png_destroy_read_struct(&png, NULL, NULL);
        return ci_fail(workspace, CI_OUT_OF_MEMORY, "libpng cannot be started");
    }
    const ci_status status = read_guarded(&io, png, info, maximum_pixels, header, out);
    png_destroy_read_struct(&png, &info, NULL);
    return status;
}

// MARK: Writing

static ci_status write_guarded(png_file *io, png_structp png, png_infop info,
                               const ci_image *image) {
    if (setjmp(png_jmpbuf(png))) return io->status;
    png_set_write_fn(png, io, write_bytes, flush);
    png_set_IHDR(png, info, (png_uint_32)image->width, (png_uint_32)image->height, 8,
                 PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    for (size_t y = 0; y < (size_t)image->height; y++) {
        png_write_row(png, image->pixels + y * (size_t)image->width * 3);
    }
    png_write_end(png, info);
    return CI_OK;
}

ci_status ci_encode_png(ci_workspace *workspace, const ci_image *image, const uint8_t **file,
                        size_t *count) {
    const ci_status status = ci_check_size(workspace, (uint64_t)image->width,
                                           (uint64_t)image->height, UINT64_MAX);
    if (status != CI_OK) return status;
    // Bytes that do not compress grow by a filter byte a row, and a few in a thousand for chunks.
    const size_t raw = ((size_t)image->width * 3 + 1) * (size_t)image->height;
    const size_t bound = raw + raw / 64 + 4096;
    if (!ci_reserve(workspace, &workspace->file, bound)) return CI_OUT_OF_MEMORY;
    png_file io = {.workspace = workspace, .count = bound};
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &io, leave, ignore_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    if (!info) {
        png_destroy_write_struct(&png, NULL);
        return ci_fail(workspace, CI_OUT_OF_MEMORY, "libpng cannot be started");
    }
    const ci_status written = write_guarded(&io, png, info, image);
    png_destroy_write_struct(&png, &info);
    *file = workspace->file.bytes;
    *count = io.position;
    return written;
}
