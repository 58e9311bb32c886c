// JPEG by libjpeg(-turbo): baseline, extended and progressive, gray, YCbCr, RGB, CMYK and YCCK.
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

#include <jerror.h>

#include "Workspace.h"

// A small file may ask for so many scans over a large image that decoding takes hours.
static const int maximum_scans = 200;

struct ci_jpeg {
    struct jpeg_decompress_struct info;
    struct jpeg_error_mgr errors;
    struct jpeg_source_mgr source;
    struct jpeg_progress_mgr progress;
    jmp_buf escape;
    char text[JMSG_LENGTH_MAX];
    bool has_too_many_scans;
};

// MARK: Callbacks

static void leave(j_common_ptr info) {
    ci_jpeg *jpeg = info->client_data;
    info->err->format_message(info, jpeg->text);
    longjmp(jpeg->escape, 1);
}

static void ignore_message(j_common_ptr info) { (void)info; }

static void ignore(j_decompress_ptr info) { (void)info; }

// All there is was given at once: asking for more means that the file is cut short.
static boolean no_more(j_decompress_ptr info) {
    (void)info;
    return FALSE;
}

static void skip(j_decompress_ptr info, long count) {
    if (count <= 0) return;
    struct jpeg_source_mgr *source = info->src;
    const size_t step =
        (size_t)count < source->bytes_in_buffer ? (size_t)count : source->bytes_in_buffer;
    source->next_input_byte += step;
    source->bytes_in_buffer -= step;
}

static void count_scans(j_common_ptr info) {
    ci_jpeg *jpeg = info->client_data;
    if (jpeg->info.input_scan_number <= maximum_scans) return;
    jpeg->has_too_many_scans = true;
    longjmp(jpeg->escape, 1);
}

// MARK: State

static ci_jpeg *make_jpeg(void) {
    ci_jpeg *jpeg = calloc(1, sizeof(ci_jpeg));
    if (!jpeg) return NULL;
    jpeg->info.err = jpeg_std_error(&jpeg->errors);
    jpeg->info.client_data = jpeg;
    jpeg->errors.error_exit = leave;
    jpeg->errors.output_message = ignore_message;
    if (setjmp(jpeg->escape)) {
        ci_jpeg_destroy(jpeg);
        return NULL;
    }
    jpeg_create_decompress(&jpeg->info);
    jpeg->source = (struct jpeg_source_mgr){
        .init_source = ignore,
        .fill_input_buffer = no_more,
        .skip_input_data = skip,
        .resync_to_restart = jpeg_resync_to_restart,
        .term_source = ignore,
    };
    jpeg->info.src = &jpeg->source;
    jpeg->progress.progress_monitor = count_scans;
    jpeg->info.progress = &jpeg->progress;
    return jpeg;
}

void ci_jpeg_destroy(ci_jpeg *jpeg) {
    if (!jpeg) return;
    jpeg_destroy_decompress(&jpeg->info);
    free(jpeg);
}

static ci_status failure(ci_workspace *workspace) {
    ci_jpeg *jpeg = workspace->jpeg;
    if (jpeg->has_too_many_scans) {
        return ci_fail(workspace, CI_UNSUPPORTED,
                       "is a JPEG of more than %d scans; save it anew", maximum_scans);
    }
    switch (jpeg->errors.msg_code) {
        case JERR_OUT_OF_MEMORY:
            return ci_fail(workspace, CI_OUT_OF_MEMORY, "needs more memory than there is");
        case JERR_BAD_PRECISION:
        case JERR_SOF_UNSUPPORTED:
        case JERR_CONVERSION_NOTIMPL:
        case JERR_ARITH_NOTIMPL:
        case JERR_CCIR601_NOTIMPL:
        case JERR_NOT_COMPILED:
            return ci_fail(workspace, CI_UNSUPPORTED,
                           "is a JPEG of a kind that cannot be read: %s", jpeg->text);
        default:
            return ci_fail(workspace, CI_DAMAGED, "is a damaged JPEG: %s", jpeg->text);
    }
}

static ci_status cut_short(ci_workspace *workspace) {
    return ci_fail(workspace, CI_DAMAGED, "is a JPEG that is cut short");
}

// MARK: Pixels

// Pillow's CMYK to RGB, over the inverted values that Adobe's programs write and that it presumes.
static void convert_cmyk(const uint8_t *cmyk, uint8_t *rgb, size_t width) {
    for (size_t x = 0; x < width; x++, cmyk += 4, rgb += 3) {
        // 255 minus the (inverted) key is the key as it stands in the file.
        const unsigned white = cmyk[3];
        for (int channel = 0; channel < 3; channel++) {
            const unsigned ink = 255 - cmyk[channel];
            const unsigned product = ink * white + 128;
            const int value = (int)white - (int)(((product >> 8) + product) >> 8);
            rgb[channel] = value < 0 ? 0 : (uint8_t)value;
        }
    }
}

// What decoding takes: the pixels, and of an image in several scans all coefficients.
static uint64_t memory_of(struct jpeg_decompress_struct *info) {
    uint64_t bytes = (uint64_t)info->image_width * info->image_height * 3;
    if (!jpeg_has_multiple_scans(info)) return bytes;
    for (int component = 0; component < info->num_components; component++) {
        const jpeg_component_info *found = &info->comp_info[component];
        bytes += (uint64_t)found->width_in_blocks * found->height_in_blocks * sizeof(JBLOCK);
    }
    return bytes;
}

static ci_status read_pixels(ci_workspace *workspace, size_t count, ci_image *out) {
    struct jpeg_decompress_struct *info = &workspace->jpeg->info;
    const ci_status status = ci_check_memory(workspace, memory_of(info), count);
    if (status != CI_OK) return status;
    const bool is_cmyk = info->num_components == 4;
    if (info->num_components != 1 && info->num_components != 3 && !is_cmyk) {
        return ci_fail(workspace, CI_UNSUPPORTED,
                       "is a JPEG of %d colour components; expected 1, 3 or 4",
                       info->num_components);
    }
    info->out_color_space = is_cmyk ? JCS_CMYK : JCS_RGB;
    const size_t width = info->image_width, height = info->image_height;
    uint8_t *pixels = ci_reserve(workspace, &workspace->pixels, width * height * 3 + 1);
    if (!pixels) return CI_OUT_OF_MEMORY;
    // To an aligned row libjpeg-turbo writes past the caches, and resizing then waits for memory.
    // From an odd address on, hardly any row is aligned.
    pixels += 1;
    uint8_t *cmyk = is_cmyk ? ci_reserve(workspace, &workspace->raw, width * 4) : NULL;
    if (is_cmyk && !cmyk) return CI_OUT_OF_MEMORY;
    if (!jpeg_start_decompress(info)) return cut_short(workspace);
    while (info->output_scanline < height) {
        uint8_t *row = pixels + (size_t)info->output_scanline * width * 3;
        JSAMPROW target = is_cmyk ? cmyk : row;
        if (jpeg_read_scanlines(info, &target, 1) != 1) return cut_short(workspace);
        if (is_cmyk) convert_cmyk(cmyk, row, width);
    }
    // Looks for the end of the image; that it is missing does no harm any more.
    jpeg_finish_decompress(info);
    *out = (ci_image){.pixels = pixels, .width = (int32_t)width, .height = (int32_t)height};
    return CI_OK;
}

static ci_status read_image(ci_workspace *workspace, size_t count, uint64_t maximum_pixels,
                            ci_header *header, ci_image *out) {
    struct jpeg_decompress_struct *info = &workspace->jpeg->info;
    if (jpeg_read_header(info, TRUE) != JPEG_HEADER_OK) return cut_short(workspace);
    const ci_status status =
        ci_check_size(workspace, info->image_width, info->image_height, maximum_pixels);
    if (status != CI_OK) return status;
    *header = (ci_header){.format = CI_JPEG,
                          .width = (int32_t)info->image_width,
                          .height = (int32_t)info->image_height};
    return out ? read_pixels(workspace, count, out) : CI_OK;
}

ci_status ci_jpeg_read(ci_workspace *workspace, const uint8_t *file, size_t count,
                       uint64_t maximum_pixels, ci_header *header, ci_image *out) {
    if (!workspace->jpeg) workspace->jpeg = make_jpeg();
    ci_jpeg *jpeg = workspace->jpeg;
    if (!jpeg) return ci_fail(workspace, CI_OUT_OF_MEMORY, "libjpeg cannot be started");
    jpeg->has_too_many_scans = false;
    jpeg->errors.msg_code = 0;
    jpeg->source.next_input_byte = file;
    jpeg->source.bytes_in_buffer = count;
    // No local variable that is changed below is read after a jump back to here.
    ci_status status;
    if (setjmp(jpeg->escape)) {
        status = failure(workspace);
    } else {
        status = read_image(workspace, count, maximum_pixels, header, out);
    }
    jpeg_abort_decompress(&jpeg->info);
    return status;
}
