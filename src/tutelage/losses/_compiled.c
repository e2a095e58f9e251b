/* KD and DKD of rows of logits, with their gradient, each row while it is in the cache.

   What `walk` in _closed.py does by operations of torch, at one go; formulas and names are its.
   A row of both networks is copied, its label ruled out by a logit of -inf, and read three times:
   for the largest logits, for the sums, for the gradient. Sums run in single precision over
   stretches of classes and in double from there. But for these sums the compiler may reorder and
   fuse nothing, so that networks that agree have a gradient of exactly 0. */

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { STRETCH = 2048, FEW = 16384, LINE = 64 }; /* classes; logits of one thread; bytes */

#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
#define FUSED(a, b, c) __builtin_fmaf(a, b, c)
#else
#define FUSED(a, b, c) ((a) * (b) + (c))
#endif

typedef struct {
    const float *student, *teacher; /* [rows, classes] */
    const int64_t *label;           /* [rows], or null for KD alone */
    const float *at_label, *in_rest; /* [rows]: what weighs the gradients of both terms; */
    int64_t at_label_step, in_rest_step; /* or one number for all, where the step is 0 */
    float *slope;       /* [rows, classes] or null; may be the student's own memory */
    float *tckd, *nckd; /* [rows]; without labels the first is left alone */
    int64_t rows, classes;
    double temperature, alpha, beta, coupling;
} Work;

/* 2^x of x <= 0, to a unit in the last place; below -126 it is 0. */
static inline float power_of_two(float x) {
    const float shift = 0x1.8p23f; /* a number so large that no bits are left for fractions */
    const float held = x < -126.0f ? -126.0f : x; /* so written, NaN stays NaN */
    const float shifted = held + shift;
    const float rest = held - (shifted - shift); /* from -0.5 to 0.5 */
    uint32_t bits;
    float whole;
    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits + 127) << 23; /* the exponent; what was shifted is gone */
    memcpy(&whole, &bits, sizeof whole);
    float part = 0x1.445dc2p-13f; /* a fit of (2^rest - 1) / rest, 2e-8 off at most */
    part = FUSED(part, rest, 0x1.5f4352p-10f);
    part = FUSED(part, rest, 0x1.3b29f2p-7f);
    part = FUSED(part, rest, 0x1.c6aedcp-5f);
    part = FUSED(part, rest, 0x1.ebfbe0p-3f);
    part = FUSED(part, rest, 0x1.62e430p-1f);
    part = FUSED(part, rest, 1.0f) * whole;
    return x < -126.0f ? 0.0f : part;
}

static float largest(const float *z, int64_t classes) {
    float top = -INFINITY;
#pragma omp simd reduction(max : top)
    for (int64_t i = 0; i < classes; i++) top = z[i] > top ? z[i] : top;
    return top;
}

static double log_sigmoid(double u) { return (u < 0 ? u : 0) - log1p(exp(-fabs(u))); }

/* What one of two classes adds to a KL; one that is ruled out adds nothing. */
static double part_of(double log_p, double log_q) {
    return log_p == -INFINITY ? 0 : exp(log_p) * (log_p - log_q);
}

/* `own` and `its` have room for the row. */
static void take_row(const Work *work, int64_t row, float *restrict own, float *restrict its) {
    const int64_t classes = work->classes, label = work->label ? work->label[row] : -1;
    const double temperature = work->temperature;
    memcpy(own, work->student + row * classes, classes * sizeof *own);
    memcpy(its, work->teacher + row * classes, classes * sizeof *its);
    double own_u = 0, its_u = 0;
    if (label >= 0) {
        own_u = own[label], its_u = its[label];
        own[label] = its[label] = -INFINITY;
    }
    float own_top = largest(own, classes), its_top = largest(its, classes);
    if (label >= 0) { /* nothing may be left beside the label: then all shares are 0 */
        own_top = own_top == -INFINITY ? 0 : own_top;
        its_top = its_top == -INFINITY ? 0 : its_top;
    }

    /* Logits become what shares in the rest are in proportion to. */
    const float scale = (float)(1 / (temperature * log(2.0)));
    double own_sum = 0, its_sum = 0, gap_sum = 0;
    for (int64_t begin = 0; begin < classes; begin += STRETCH) {
        const int64_t end = begin + STRETCH < classes ? begin + STRETCH : classes;
        float own_part = 0, its_part = 0, gap_part = 0;
#pragma omp simd reduction(+ : own_part, its_part, gap_part)
        for (int64_t i = begin; i < end; i++) {
            const float z = own[i] - own_top, v = its[i] - its_top;
            const float share = power_of_two(z * scale), wanted = power_of_two(v * scale);
            const float gap = wanted * (v - z);
            own[i] = share, its[i] = wanted;
            own_part += share, its_part += wanted;
            gap_part += wanted == 0 ? 0 : gap; /* a class that is ruled out adds no 0 * inf */
        }
        own_sum += own_part, its_sum += its_part, gap_sum += gap_part;
    }
    const double own_log = log(own_sum), its_log = log(its_sum);

    double nckd = its_sum == 0 ? 0 : gap_sum / (temperature * its_sum) + own_log - its_log;
    nckd = work->beta * temperature * temperature * (nckd < 0 ? 0 : nckd); /* < 0 by rounding */
    double in_rest = work->in_rest[row * work->in_rest_step] * work->beta * temperature;
    double at_label = 0;
    if (label >= 0) {
        own_u = (own_u - own_top) / temperature - own_log;
        its_u = (its_u - its_top) / temperature - its_log;
        const double own_is = log_sigmoid(own_u), own_not = log_sigmoid(-own_u);
        const double its_is = log_sigmoid(its_u), its_not = log_sigmoid(-its_u);
        const double tckd = part_of(its_is, own_is) + part_of(its_not, own_not);
        work->tckd[row] = (float)(work->alpha * temperature * temperature * tckd);
        at_label = work->at_label[row * work->at_label_step] * work->alpha * temperature *
                   (exp(own_is + its_not) - exp(its_is + own_not)); /* p_t - q_t, to its digits */
        if (work->coupling != 0) {
            const double lift = exp(work->coupling * its_not);
            nckd *= lift, in_rest *= lift;
        }
    }
    work->nckd[row] = (float)nckd;
    if (!work->slope) return;

    float *slope = work->slope + row * classes;
    const float to_own = own_sum == 0 ? 0 : (float)(1 / own_sum);
    const float to_its = its_sum == 0 ? 0 : (float)(1 / its_sum);
    const float rest = its_sum == 0 ? 0 : (float)in_rest, pull = (float)at_label;
#pragma omp simd
    for (int64_t i = 0; i < classes; i++) {
        const float share = own[i] * to_own, wanted = its[i] * to_its;
        slope[i] = rest * (share - wanted) - pull * share;
    }
    if (label >= 0) slope[label] = pull;
}

/* Return 0; or 1 if there was no memory, or -1 if a label is no class. */
int take_rows(const Work *work, int threads) {
    for (int64_t row = 0; work->label && row < work->rows; row++)
        if (work->label[row] < 0 || work->label[row] >= work->classes) return -1;
    if (work->rows * work->classes <= FEW) threads = 1;
    if (threads > work->rows) threads = work->rows ? (int)work->rows : 1;
    const size_t room = (work->classes * sizeof(float) + LINE - 1) / LINE * LINE;
    int failed = 0;
#pragma omp parallel num_threads(threads) reduction(| : failed) if (threads > 1)
    {
        char *memory = aligned_alloc(LINE, 2 * room);
        failed = !memory;
#pragma omp for schedule(static)
        for (int64_t row = 0; row < work->rows; row++)
            if (memory) take_row(work, row, (float *)memory, (float *)(memory + room));
        free(memory);
    }
    return failed;
}
