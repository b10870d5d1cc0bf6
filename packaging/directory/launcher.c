/* Starts the Python of its own directory by that directory's own loader, so that the
 * host gives a kernel and /proc: no Python, no C library, no shell.
 *
 *   DIRECTORY/bin/python3 ARGUMENT...     is that Python
 *   DIRECTORY/ANY/NAME ARGUMENT...        is the program DIRECTORY/lib/programs/NAME
 *
 * build.py defines LOADER. There is no C library in it either: a static one is a hundred
 * times this program.
 */
enum { AT_FDCWD = -100, MOST = 4096, ADDED = 10 };

#if defined __x86_64__
enum { WRITE = 1, EXECVE = 59, EXIT = 60, READLINKAT = 267 };
__asm__(".globl _start\n_start:\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall start\n");

static long ask(long number, long first, long second, long third, long fourth)
{
    long answer;
    register long last __asm__("r10") = fourth;
    __asm__ volatile("syscall"
                     : "=a"(answer)
                     : "a"(number), "D"(first), "S"(second), "d"(third), "r"(last)
                     : "rcx", "r11", "memory");
    return answer;
}
#elif defined __aarch64__
enum { WRITE = 64, EXECVE = 221, EXIT = 93, READLINKAT = 78 };
__asm__(".globl _start\n_start:\n\tmov x0, sp\n\tbl start\n");

static long ask(long number, long first, long second, long third, long fourth)
{
    register long x8 __asm__("x8") = number, x0 __asm__("x0") = first;
    register long x1 __asm__("x1") = second, x2 __asm__("x2") = third;
    register long x3 __asm__("x3") = fourth;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
    return x0;
}
#endif

static long length(const char *text)
{
    long end = 0;
    while (text[end])
        end++;
    return end;
}

static int same(const char *one, const char *other)
{
    while (*one && *one == *other)
        one++, other++;
    return *one == *other;
}

__attribute__((noreturn)) static void end(const char *why, const char *path)
{
    ask(WRITE, 2, (long)"dockcred: ", 10, 0);
    ask(WRITE, 2, (long)why, length(why), 0);
    ask(WRITE, 2, (long)path, length(path), 0);
    ask(WRITE, 2, (long)"\n", 1, 0);
    ask(EXIT, 1, 0, 0, 0);
    __builtin_unreachable();
}

/* Cut the last part off a path; return where that part is. */
static char *cut(char *path)
{
    char *last = path + length(path);
    while (last > path && *last != '/')
        last--;
    *last = 0;
    return last + 1;
}

/* Write a directory and what is below it; each has room for twice the longest path. */
static char *join(char *room, const char *directory, const char *below, const char *name)
{
    char *next = room;
    for (const char *part = directory; *part;)
        *next++ = *part++;
    for (const char *part = below; *part;)
        *next++ = *part++;
    for (const char *part = name; *part;)
        *next++ = *part++;
    *next = 0;
    return room;
}

__attribute__((noreturn, used)) void start(long *stack)
{
    static char directory[MOST], room[5][2 * MOST];
    long count = stack[0], at = 0;
    char **given = (char **)(stack + 1), **variables = given + count + 1;
    char *words[count + ADDED];

    const char *self = "/proc/self/exe";
    long size = ask(READLINKAT, AT_FDCWD, (long)self, (long)directory, MOST - 1);
    if (size <= 0 || size == MOST - 1 || directory[0] != '/')
        end("this program finds its directory by /proc/self/exe, which is not there",
            "; mount /proc");
    const char *name = cut(directory);
    cut(directory);

    char *loader = words[at++] = join(room[0], directory, "/lib/", LOADER);
    /* What the host has in its cache is of another C library. */
    words[at++] = "--inhibit-cache";
    words[at++] = "--library-path";
    words[at++] = join(room[1], directory, "/lib", "");
    /* By this name Python finds its modules, and starts itself. */
    words[at++] = "--argv0";
    words[at++] = join(room[2], directory, "/bin/python3", "");
    words[at++] = join(room[3], directory, "/lib/python3", "");
    if (!same(name, "python3")) {
        words[at++] = "-IS";
        words[at++] = join(room[4], directory, "/lib/programs/", name);
    }
    for (long n = 1; n < count; n++)
        words[at++] = given[n];
    words[at] = 0;
    ask(EXECVE, (long)loader, (long)words, (long)variables, 0);
    end("the kernel does not start ", loader);
}
