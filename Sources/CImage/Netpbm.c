// PGM and PPM, plain (P2, P3) and raw (P5, P6), read as Pillow reads them.
#include <math.h>
#include <string.h>

#include "Workspace.h"

typedef struct cursor {
    const uint8_t *next;
    const uint8_t *end;
} cursor;

typedef struct netpbm {
    bool is_plain;
    bool is_gray;
    uint32_t width;
    uint32_t height;
    uint32_t maximum;
} netpbm;

static bool is_space(uint8_t byte) { return byte == ' ' || (byte >= '\t' && byte <= '\r'); }

static void skip_comment(cursor *at) {
    while (at->next < at->end && *at->next != '\n' && *at->next != '\r') at->next++;
    if (at->next < at->end) at->next++;
}

// The next number, and one byte of white space after it; false where there is none or it has more
// than nine digits. A comment runs to the end of its line and does not end a number.
static bool read_number(cursor *at, uint32_t *out) {
    uint32_t value = 0;
    int digits = 0;
    while (at->next < at->end) {
        const uint8_t byte = *at->next++;
        if (byte == '#') {
            skip_comment(at);
        } else if (is_space(byte)) {
            if (digits > 0) break;
        } else if (byte >= '0' && byte <= '9' && digits < 9) {
            value = value * 10 + (byte - '0');
            digits++;
        } else {
            return false;
        }
    }
    *out = value;
    return digits > 0;
}

static ci_status read_header(ci_workspace *workspace, cursor *at, netpbm *out) {
    out->is_plain = at->next[1] < '4';
    out->is_gray = at->next[1] == '2' || at->next[1] == '5';
    at->next += 2;
    if (!read_number(at, &out->width) || !read_number(at, &out->height) ||
        !read_number(at, &out->maximum)) {
        return ci_fail(workspace, CI_DAMAGED,
                       "has no sound PPM header: expected width, height and the largest value");
    }
    if (out->maximum < 1 || out->maximum > 65535) {
        return ci_fail(workspace, CI_DAMAGED,
                       "says that its largest value is %u; expected 1 to 65535", out->maximum);
    }
    return CI_OK;
}

// What each sample becomes. Pillow scales to 0 ... 255, but gray of more than 8 bits to 0 ... 65535,
// of which `convert("RGB")` then saturates what is above 255. It rounds halves to even.
static void make_table(const netpbm *image, uint8_t *table) {
    const double largest = image->is_gray && image->maximum > 255 ? 65535 : 255;
    for (uint32_t sample = 0; sample < 65536; sample++) {
        const double value = nearbyint((double)sample / image->maximum * largest);
        table[sample] = value > 255 ? 255 : (uint8_t)value;
    }
}

static ci_status cut_short(ci_workspace *workspace) {
    return ci_fail(workspace, CI_DAMAGED, "is a PPM that is cut short");
}

static ci_status read_plain(ci_workspace *workspace, cursor *at, const netpbm *image,
                            const uint8_t *table, uint8_t *out, size_t samples) {
    for (size_t index = 0; index < samples; index++) {
        uint32_t sample;
        if (!read_number(at, &sample)) {
            if (at->next == at->end) return cut_short(workspace);
            return ci_fail(workspace, CI_DAMAGED,
                           "is a damaged PPM: sample %zu is no whole number", index + 1);
        }
        if (sample > image->maximum) {
            return ci_fail(workspace, CI_DAMAGED,
                           "is a damaged PPM: sample %zu is %u, above the largest value, %u",
                           index + 1, sample, image->maximum);
        }
        out[index] = table[sample];
    }
    return CI_OK;
}

static ci_status read_raw(ci_workspace *workspace, cursor *at, const netpbm *image,
                          const uint8_t *table, uint8_t *out, size_t samples) {
    const size_t width = image->maximum > 255 ? 2 : 1;
    if ((size_t)(at->end - at->next) / width < samples) return cut_short(workspace);
    if (image->maximum == 255) {
        memcpy(out, at->next, samples);
        return CI_OK;
    }
    for (size_t index = 0; index < samples; index++) {
        const uint8_t *sample = at->next + index * width;
        out[index] = table[width == 2 ? sample[0] << 8 | sample[1] : sample[0]];
    }
    return CI_OK;
}

static ci_status read_pixels(ci_workspace *workspace, cursor *at, const netpbm *image,
                             ci_image *out) {
    const size_t pixels = (size_t)image->width * image->height;
    const size_t samples = pixels * (image->is_gray ? 1 : 3);
    uint8_t *rgb = ci_reserve(workspace, &workspace->pixels, pixels * 3);
    uint8_t *table = rgb ? ci_reserve(workspace, &workspace->raw, 65536) : NULL;
    if (!table) return CI_OUT_OF_MEMORY;
    if (image->is_plain || image->maximum != 255) make_table(image, table);
    // Gray goes to the far end, so that spreading it from the front never meets what is unread.
    uint8_t *target = rgb + pixels * 3 - samples;
    const ci_status status =
        (image->is_plain ? read_plain : read_raw)(workspace, at, image, table, target, samples);
    if (status != CI_OK) return status;
    if (image->is_gray) {
        for (size_t index = 0; index < pixels; index++) {
            const uint8_t gray = target[index];
            rgb[index * 3] = rgb[index * 3 + 1] = rgb[index * 3 + 2] = gray;
        }
    }
    *out = (ci_image){
        .pixels = rgb, .width = (int32_t)image->width, .height = (int32_t)image->height};
    return CI_OK;
}

ci_status ci_netpbm_read(ci_workspace *workspace, const uint8_t *file, size_t count,
                         uint64_t maximum_pixels, ci_header *header, ci_image *out) {
    cursor at = {.next = file, .end = file + count};
    netpbm image;
    ci_status status = read_header(workspace, &at, &image);
    if (status != CI_OK) return status;
    status = ci_check_size(workspace, image.width, image.height, maximum_pixels);
    if (status != CI_OK) return status;
    *header = (ci_header){.format = CI_NETPBM,
                          .width = (int32_t)image.width,
                          .height = (int32_t)image.height};
    return out ? read_pixels(workspace, &at, &image, out) : CI_OK;
}
