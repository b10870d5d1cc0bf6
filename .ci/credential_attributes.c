/* CredWriteW, CredReadW and CredEnumerateW with attributes and with the limits of
 * wincred.h, over Wine's own: Wine 8 drops attributes, so that even docker's helper finds
 * nothing of what it has stored. wine.sh builds it as advapi32.dll, beside Wine's, which
 * has everything else under the name of advapi32o.dll.
 *
 * Attributes travel behind the blob: BLOB, then of each attribute the sizes of keyword
 * and value and both, then BLOB'S SIZE, COUNT, MARK.
 */
#define WIN32_LEAN_AND_MEAN
#include <string.h>
#include <windows.h>
#include <wincred.h>

enum { MARK = 0x54414344, TRAILER = 12 };

typedef BOOL(WINAPI *writer)(PCREDENTIALW, DWORD);
typedef BOOL(WINAPI *reader)(LPCWSTR, DWORD, DWORD, PCREDENTIALW *);
typedef BOOL(WINAPI *lister)(LPCWSTR, DWORD, DWORD *, PCREDENTIALW **);
typedef VOID(WINAPI *freer)(PVOID);

static void *wines(const char *name) {
    return (void *)GetProcAddress(LoadLibraryA("advapi32o.dll"), name);
}

static DWORD bytes_of(LPCWSTR text) { return text ? 2 * (lstrlenW(text) + 1) : 0; }

static BYTE *put(BYTE *at, const void *from, size_t size) {
    memcpy(at, from, size);
    return at + size;
}

static DWORD take(const BYTE *at) {
    DWORD number;
    memcpy(&number, at, sizeof number);
    return number;
}

/* What Windows refuses, by its documents; 0 where it takes the credential. */
static DWORD refused(PCREDENTIALW given) {
    if (!given->TargetName || !*given->TargetName) return ERROR_INVALID_PARAMETER;
    if (lstrlenW(given->TargetName) > CRED_MAX_GENERIC_TARGET_NAME_LENGTH)
        return ERROR_INVALID_PARAMETER;
    if (given->CredentialBlobSize > 5 * 512) return RPC_X_BAD_STUB_DATA;
    if (given->UserName && lstrlenW(given->UserName) > CRED_MAX_USERNAME_LENGTH)
        return ERROR_BAD_USERNAME;
    if (given->AttributeCount > CRED_MAX_ATTRIBUTES) return ERROR_INVALID_PARAMETER;
    for (DWORD n = 0; n < given->AttributeCount; n++) {
        PCREDENTIAL_ATTRIBUTEW one = given->Attributes + n;
        if (one->Flags || one->ValueSize > CRED_MAX_VALUE_SIZE ||
            lstrlenW(one->Keyword) > CRED_MAX_STRING_LENGTH)
            return ERROR_INVALID_PARAMETER;
    }
    return 0;
}

BOOL WINAPI P_CredWriteW(PCREDENTIALW given, DWORD flags) {
    DWORD error = refused(given);
    if (error) {
        SetLastError(error);
        return FALSE;
    }
    DWORD size = given->CredentialBlobSize + TRAILER, mark = MARK;
    for (DWORD n = 0; n < given->AttributeCount; n++)
        size += 8 + bytes_of(given->Attributes[n].Keyword) + given->Attributes[n].ValueSize;
    BYTE *blob = HeapAlloc(GetProcessHeap(), 0, size);
    BYTE *at = put(blob, given->CredentialBlob, given->CredentialBlobSize);
    for (DWORD n = 0; n < given->AttributeCount; n++) {
        PCREDENTIAL_ATTRIBUTEW one = given->Attributes + n;
        DWORD keyword = bytes_of(one->Keyword);
        at = put(put(at, &keyword, 4), &one->ValueSize, 4);
        at = put(put(at, one->Keyword, keyword), one->Value, one->ValueSize);
    }
    at = put(put(at, &given->CredentialBlobSize, 4), &given->AttributeCount, 4);
    put(at, &mark, 4);
    CREDENTIALW kept = *given;
    kept.CredentialBlob = blob, kept.CredentialBlobSize = size;
    kept.AttributeCount = 0, kept.Attributes = NULL;
    BOOL done = ((writer)wines("CredWriteW"))(&kept, flags);
    error = GetLastError();
    HeapFree(GetProcessHeap(), 0, blob);
    SetLastError(error);
    return done;
}

static BYTE *copied(LPWSTR *to, LPCWSTR text, BYTE *at) {
    *to = text ? (LPWSTR)at : NULL;
    return put(at, text, bytes_of(text));
}

/* Enough for one as its reader gets it, whatever is in its blob; a whole pointer's. */
static size_t room(PCREDENTIALW kept) {
    size_t texts = bytes_of(kept->TargetName) + bytes_of(kept->Comment) +
                   bytes_of(kept->TargetAlias) + bytes_of(kept->UserName);
    size_t attributes = CRED_MAX_ATTRIBUTES * (sizeof(CREDENTIAL_ATTRIBUTEW) + 2);
    return (sizeof *kept + texts + attributes + kept->CredentialBlobSize + 15) & ~15;
}

static void unpack(PCREDENTIALW kept, PCREDENTIALW made) {
    DWORD count = 0, size = kept->CredentialBlobSize;
    BYTE *blob = kept->CredentialBlob, *at = (BYTE *)(made + 1);
    *made = *kept;
    if (size >= TRAILER && take(blob + size - 4) == MARK) {
        count = take(blob + size - 8);
        size = take(blob + size - 12);
    }
    made->AttributeCount = count;
    made->Attributes = count ? (PCREDENTIAL_ATTRIBUTEW)at : NULL;
    at += count * sizeof(CREDENTIAL_ATTRIBUTEW);
    at = copied(&made->TargetName, kept->TargetName, at);
    at = copied(&made->Comment, kept->Comment, at);
    at = copied(&made->TargetAlias, kept->TargetAlias, at);
    at = copied(&made->UserName, kept->UserName, at);
    BYTE *from = blob + size;
    for (DWORD n = 0; n < count; n++) {
        DWORD keyword = take(from), value = take(from + 4);
        PCREDENTIAL_ATTRIBUTEW one = made->Attributes + n;
        one->Flags = 0, one->Keyword = (LPWSTR)at, one->ValueSize = value;
        one->Value = at + keyword;
        at = put(at, from + 8, keyword + value);
        at += (ULONG_PTR)at & 1;
        from += 8 + keyword + value;
    }
    made->CredentialBlobSize = size;
    made->CredentialBlob = size ? at : NULL;
    put(at, blob, size);
}

BOOL WINAPI P_CredReadW(LPCWSTR target, DWORD type, DWORD flags, PCREDENTIALW *found) {
    PCREDENTIALW kept;
    if (!((reader)wines("CredReadW"))(target, type, flags, &kept)) return FALSE;
    *found = HeapAlloc(GetProcessHeap(), 0, room(kept));
    unpack(kept, *found);
    ((freer)wines("CredFree"))(kept);
    return TRUE;
}

BOOL WINAPI P_CredEnumerateW(LPCWSTR filter, DWORD flags, DWORD *count,
                             PCREDENTIALW **found) {
    PCREDENTIALW *kept;
    if (!((lister)wines("CredEnumerateW"))(filter, flags, count, &kept)) return FALSE;
    size_t size = (*count * sizeof *kept + 15) & ~15;
    size_t start = size;
    for (DWORD n = 0; n < *count; n++) size += room(kept[n]);
    *found = HeapAlloc(GetProcessHeap(), 0, size);
    BYTE *at = (BYTE *)*found + start;
    for (DWORD n = 0; n < *count; n++) {
        (*found)[n] = (PCREDENTIALW)at;
        unpack(kept[n], (*found)[n]);
        at += room(kept[n]);
    }
    ((freer)wines("CredFree"))(kept);
    return TRUE;
}
