"""What may come on a socket, as bytes, and what has to become of it.

A case is (group, name, bytes, answers, end): the statuses that are answered in order, then whether the connection is
OPEN for another request or has to END. LIBRARY in place of END: libmicrohttpd refuses it before the service is asked,
with a page of its own, and ends the connection; TWICE: its version 0.9.75 sends the head of that page twice. `@@` in the bytes is a whole request that would create a session: it
stands where bytes could be taken for a second request, and must never be carried out. CLOSED: the client has ended
the connection, so no response says that it ends.

The table is that of libmicrohttpd 0.9.75. Version 1.0 refuses more by itself: there a refusal may be such a page, or the
end of the connection, and OF_1_0 has the rows that are not refused here and are there, or the other way round.
"""

OPEN, END, LIBRARY, TWICE, CLOSED = "open", "end", "library", "twice", "closed"

# As long as the request that takes its place.
SMUGGLED = b"@@"
NEW = b'{"project_path":"/p","thread_id":"t"}'
LARGE = b'{"project_path":"/p","thread_id":"t","context":{"a":"' + b"x" * 1000000 + b'"}}'


def smuggled(marker):
    body = b'{"project_path":"/p","thread_id":"%s"}' % marker
    return (b"POST /sessions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
            + body)


def marker_of(number):
    return b"smuggled-%04d" % number


LENGTH = len(smuggled(marker_of(0)))
GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST /sessions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
GOOD = POST + b"Content-Length: %d\r\n\r\n" % len(NEW) + NEW
SIZE = b"%d" % LENGTH


def line(target=b"/healthz", method=b"GET", version=b"HTTP/1.1"):
    return method + b" " + target + b" " + version + b"\r\nHost: localhost\r\n\r\n"


def with_field(field, body=b""):
    return GET + field + b"\r\n\r\n" + body


def with_host(value):
    return b"GET /healthz HTTP/1.1\r\nHost: " + value + b"\r\n\r\n"


def posted(*fields, body=SMUGGLED):
    return POST + b"".join(field + b"\r\n" for field in fields) + b"\r\n" + body


def numbered(count):
    return b"".join(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: n%d\r\n\r\n" % i for i in range(count))


def chunks(data):
    return b"%x\r\n" % len(data) + data + b"\r\n0\r\n\r\n"


# The last chunk, and the size of a chunk that holds NEW.
LAST = b"0\r\n\r\n"
SIZED = b"25\r\n"


def chunked(encoded):
    return posted(b"Transfer-Encoding: chunked", body=encoded + SMUGGLED)


LENGTHS = [
    ("exact", GOOD, [201], OPEN),
    ("without a space", posted(b"Content-Length:%d" % len(NEW), body=NEW), [201], OPEN),
    ("leading zeros", posted(b"Content-Length: 000%d" % len(NEW), body=NEW), [201], OPEN),
    ("zero", with_field(b"Content-Length: 0"), [200], OPEN),
    ("of a GET", with_field(b"Content-Length: " + SIZE, SMUGGLED), [413], END),
    ("twice the same", posted(b"Content-Length: " + SIZE, b"Content-Length: " + SIZE), [400], END),
    ("zero, then more", posted(b"Content-Length: 0", b"Content-Length: " + SIZE), [400], END),
    ("more, then zero", posted(b"Content-Length: " + SIZE, b"Content-Length: 0"), [400], END),
    ("twice, far apart and in other cases", with_field(b"CONTENT-LENGTH: 0\r\nA: b\r\ncontent-length: " + SIZE, SMUGGLED), [400], END),
    ("then one that is none", with_field(b"Content-Length: 0\r\nContent-Length: x", SMUGGLED), [400], END),
    ("a list", posted(b"Content-Length: 0, " + SIZE), [400], TWICE),
    ("a list of equals", posted(b"Content-Length: " + SIZE + b"," + SIZE), [400], TWICE),
    ("plus", posted(b"Content-Length: +0"), [400], TWICE),
    ("minus", posted(b"Content-Length: -1"), [400], TWICE),
    ("minus zero", posted(b"Content-Length: -0"), [400], TWICE),
    ("hexadecimal", posted(b"Content-Length: 0x0"), [400], TWICE),
    ("exponent", posted(b"Content-Length: 0e1"), [400], TWICE),
    ("fraction", posted(b"Content-Length: 0.0"), [400], TWICE),
    ("two numbers", posted(b"Content-Length: 0 0"), [400], TWICE),
    ("quoted", posted(b'Content-Length: "0"'), [400], TWICE),
    ("empty", posted(b"Content-Length: "), [400], TWICE),
    ("letters behind", posted(b"Content-Length: 0bytes"), [400], TWICE),
    ("digits of another script", posted("Content-Length: ٠".encode()), [400], TWICE),
    ("a space behind", posted(b"Content-Length: 0 "), [400], TWICE),
    ("one more than 64 bits", posted(b"Content-Length: 18446744073709551616"), [413], TWICE),
    ("64 bits", posted(b"Content-Length: 18446744073709551615"), [413], END),
    ("63 bits and one", posted(b"Content-Length: 9223372036854775808"), [413], END),
    ("thirty digits", posted(b"Content-Length: " + b"9" * 30), [413], TWICE),
    ("32 bits and one", posted(b"Content-Length: 4294967296"), [413], END),
    ("over the limit", posted(b"Content-Length: 1048577"), [413], END),
    ("space before the colon", posted(b"Content-Length : " + SIZE), [400], END),
    ("tab before the colon", posted(b"Content-Length\t: " + SIZE), [400], END),
    ("space before the name", posted(b"A: b", b" Content-Length: " + SIZE), [400], END),
    ("NUL before the colon", posted(b"Content-Length\0: " + SIZE), [400], LIBRARY),
    ("NUL behind", posted(b"Content-Length: 0\0" + SIZE), [400], END),
    ("control before the name", posted(b"\x0bContent-Length: " + SIZE), [400], END),
    ("none for a POST", posted(body=b""), [400], OPEN),
    ("more than comes", posted(b"Content-Length: 100000", body=NEW), [], END),
]

# Refused whatever is in the chunks: a Transfer-Encoding that is not `chunked` alone.
ENCODINGS = [
    ("xchunked", posted(b"Transfer-Encoding: xchunked", body=LAST + SMUGGLED), [411], END),
    ("gzip, chunked", posted(b"Transfer-Encoding: gzip, chunked", body=LAST + SMUGGLED), [411], END),
    ("chunked, gzip", posted(b"Transfer-Encoding: chunked, gzip", body=LAST + SMUGGLED), [411], END),
    ("chunked, chunked", posted(b"Transfer-Encoding: chunked, chunked", body=LAST + SMUGGLED), [411], END),
    ("chunked with a comma", posted(b"Transfer-Encoding: chunked,", body=LAST + SMUGGLED), [411], END),
    ("identity", posted(b"Transfer-Encoding: identity", body=SMUGGLED), [411], END),
    ("identity, chunked", posted(b"Transfer-Encoding: identity, chunked", body=LAST + SMUGGLED), [411], END),
    ("quoted", posted(b'Transfer-Encoding: "chunked"', body=LAST + SMUGGLED), [411], END),
    ("with a parameter", posted(b"Transfer-Encoding: chunked;q=1", body=LAST + SMUGGLED), [411], END),
    ("empty", posted(b"Transfer-Encoding:", body=SMUGGLED), [411], END),
    ("twice", posted(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", body=LAST + SMUGGLED), [400], END),
    ("twice, then another", posted(b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity", body=LAST + SMUGGLED), [411], END),
    ("twice, first another", posted(b"Transfer-Encoding: x", b"Transfer-Encoding: chunked", body=LAST + SMUGGLED), [411], END),
    ("and a length", posted(b"Transfer-Encoding: chunked", b"Content-Length: 5", body=LAST + SMUGGLED), [411], END),
    ("and a length of zero", posted(b"Transfer-Encoding: chunked", b"Content-Length: 0", body=LAST + SMUGGLED), [411], END),
    ("behind a length", posted(b"Content-Length: 5", b"Transfer-Encoding: chunked", body=LAST + SMUGGLED), [411], END),
    ("and a length that is none", posted(b"Transfer-Encoding: x", b"Content-Length: x"), [411], END),
    ("of HTTP/1.0", b"POST /sessions HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" + LAST + SMUGGLED, [411], END),
    ("of HTTP/1.0, kept alive", b"POST /sessions HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n" + LAST + SMUGGLED, [411], END),
    ("a space behind", posted(b"Transfer-Encoding: chunked ", body=LAST + SMUGGLED), [411], END),
    ("a vertical tab before", posted(b"Transfer-Encoding: \x0bchunked", body=LAST + SMUGGLED), [400], END),
    ("space before the colon", posted(b"Transfer-Encoding : chunked", body=LAST + SMUGGLED), [400], END),
    ("space before the colon, and a length", posted(b"Transfer-Encoding : chunked", b"Content-Length: 5", body=LAST + SMUGGLED), [400], END),
    ("folded", posted(b"Transfer-Encoding:\r\n chunked", body=LAST + SMUGGLED), [400], END),
    ("folded, and a length", posted(b"Transfer-Encoding:\r\n\tchunked", b"Content-Length: 5", body=LAST + SMUGGLED), [400], END),
    ("behind a bare CR", posted(b"A: b\rTransfer-Encoding: chunked", body=SMUGGLED), [400], END),
    ("behind a bare LF", posted(b"A: b\nTransfer-Encoding: chunked", body=SMUGGLED), [400], END),
    ("a NUL in the name", posted(b"Transfer-Encoding\0: chunked", body=SMUGGLED), [400], LIBRARY),
    ("TE alone", with_field(b"TE: chunked"), [200], OPEN),
]

# Whatever the chunks are, nothing behind them is read: each ends the connection.
CHUNKS = [
    ("one", chunked(chunks(NEW)), [201], END),
    ("one, its name in capitals", posted(b"TRANSFER-ENCODING: CHUNKED", body=chunks(NEW) + SMUGGLED), [201], END),
    ("one, its name in mixed case", posted(b"transfer-Encoding: cHuNkEd", body=chunks(NEW) + SMUGGLED), [201], END),
    ("one, a tab before its name", posted(b"Transfer-Encoding:\tchunked", body=chunks(NEW) + SMUGGLED), [201], END),
    ("a byte each", chunked(b"".join(b"1\r\n%c\r\n" % byte for byte in NEW) + LAST), [201], END),
    ("digits in capitals", chunked(b"2A\r\n" + NEW.ljust(42) + b"\r\n" + LAST), [201], END),
    ("leading zeros", chunked(b"0" * 30 + chunks(NEW)), [201], END),
    ("many zeros of the last one", chunked(SIZED + NEW + b"\r\n0000\r\n\r\n"), [201], END),
    ("none", chunked(LAST), [400], END),
    ("none of a GET", with_field(b"Transfer-Encoding: chunked", LAST + SMUGGLED), [200], END),
    ("one of a GET", with_field(b"Transfer-Encoding: chunked", chunks(NEW) + SMUGGLED), [413], END),
    ("to no such path", b"POST /nope HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks(NEW) + SMUGGLED, [404], END),
    ("behind requests", numbered(2) + chunked(chunks(NEW)), [200, 200, 201], END),
    ("kept alive", posted(b"Connection: keep-alive", b"Transfer-Encoding: chunked", body=chunks(NEW) + SMUGGLED), [201], END),
    ("behind an expectation", posted(b"Expect: 100-continue", b"Transfer-Encoding: chunked", body=chunks(NEW)), [100, 201], END),
    ("at the limit", chunked(chunks(NEW.ljust(1 << 20))), [201], END),
    ("over the limit", chunked(chunks(NEW.ljust((1 << 20) + 1))), [413], END),
    ("over the limit by a last byte", chunked(b"100000\r\n" + NEW.ljust(1 << 20) + b"\r\n1\r\n \r\n" + LAST), [413], END),
    ("64 bits, over the limit", chunked(b"FFFFFFFFFFFFFFFF\r\n" + NEW.ljust((1 << 20) + 1)), [413], END),
    ("64 bits, cut", chunked(b"FFFFFFFFFFFFFFFF\r\n"), [], END),
    ("65 bits", chunked(b"10000000000000000\r\n"), [413], LIBRARY),
    ("68 bits", chunked(b"FFFFFFFFFFFFFFFFF\r\n"), [413], LIBRARY),
    ("0x", chunked(b"0x25\r\n" + NEW + b"\r\n" + LAST), [400], LIBRARY),
    ("minus", chunked(b"-1\r\n"), [400], LIBRARY),
    ("plus", chunked(b"+25\r\n" + NEW + b"\r\n" + LAST), [400], LIBRARY),
    ("space before the size", chunked(b" 25\r\n" + NEW + b"\r\n" + LAST), [400], LIBRARY),
    ("space behind the size", chunked(b"25 \r\n" + NEW + b"\r\n" + LAST), [400], LIBRARY),
    ("tab behind the size", chunked(b"25\t\r\n" + NEW + b"\r\n" + LAST), [400], LIBRARY),
    ("no size", chunked(b"\r\n" + NEW + b"\r\n" + LAST), [400], LIBRARY),
    ("letters for a size", chunked(b"zz\r\n" + NEW + b"\r\n" + LAST), [400], LIBRARY),
    ("two sizes", chunked(b"25,25\r\n" + NEW + b"\r\n" + LAST), [400], LIBRARY),
    ("a fraction", chunked(b"25.0\r\n" + NEW + b"\r\n" + LAST), [400], LIBRARY),
    ("a quoted size", chunked(b'"25"\r\n' + NEW + b"\r\n" + LAST), [400], LIBRARY),
    ("NUL in the size", chunked(b"2\x005\r\n" + NEW + b"\r\n" + LAST), [400], LIBRARY),
    ("NUL behind the size", chunked(b"25\0\r\n" + NEW + b"\r\n" + LAST), [400], LIBRARY),
    ("bare CR behind the size", chunked(b"25\r" + NEW + b"\r\n" + LAST), [400], LIBRARY),
    ("nothing behind the data", chunked(SIZED + NEW + LAST), [400], LIBRARY),
    ("CR alone behind the data", chunked(SIZED + NEW + b"\r" + LAST), [400], LIBRARY),
    ("space behind the data", chunked(SIZED + NEW + b" \r\n" + LAST), [400], LIBRARY),
    ("longer than its size", chunked(b"24\r\n" + NEW + b"\r\n" + LAST), [400], LIBRARY),
    ("much longer than its size", chunked(b"1\r\n" + NEW + b"\r\n" + LAST), [400], LIBRARY),
    ("much shorter than its size", chunked(b"ff\r\n" + NEW + b"\r\n" + LAST), [], END),
    ("no last one", posted(b"Transfer-Encoding: chunked", body=SIZED + NEW + b"\r\n"), [], END),
    ("no empty line behind the last one", posted(b"Transfer-Encoding: chunked", body=SIZED + NEW + b"\r\n0\r\n"), [], END),
    ("trailers", chunked(SIZED + NEW + b"\r\n0\r\nA: b\r\nContent-Length: 5\r\nHost: evil\r\nContent-Type: a/b\r\n\r\n"), [201], END),
    ("a trailer that is none", chunked(SIZED + NEW + b"\r\n0\r\nnonsense\r\n\r\n"), [400], LIBRARY),
    ("a smuggled trailer", posted(b"Transfer-Encoding: chunked", body=SIZED + NEW + b"\r\n0\r\n" + SMUGGLED), [400], LIBRARY),
    ("endless trailers", chunked(SIZED + NEW + b"\r\n0\r\n" + b"A: b\r\n" * 20000), [431], LIBRARY),
    ("an endless size", posted(b"Transfer-Encoding: chunked", body=b"0" * 100000), [500], LIBRARY),
    ("an endless extension", posted(b"Transfer-Encoding: chunked", body=b"25;" + b"a" * 100000), [500], LIBRARY),
    # Taken by version 0.9.75, which ends lines at a bare LF and passes over extensions.
    ("an extension", chunked(b"25;a=b\r\n" + NEW + b"\r\n0;a\r\n\r\n"), [201], END),
    ("bare LF behind the size", chunked(b"25\n" + NEW + b"\r\n" + LAST), [201], END),
    ("bare LF behind the data", chunked(SIZED + NEW + b"\n" + LAST), [201], END),
    ("bare LF behind the last one", chunked(SIZED + NEW + b"\r\n0\n\n"), [201], END),
    ("shorter than its size", chunked(b"26\r\n" + NEW + b"\r\n" + LAST), [201], END),
    ("a folded trailer", chunked(SIZED + NEW + b"\r\n0\r\nA: b\r\n c\r\n\r\n"), [201], END),
]

FOLDED = [
    ("white space alone, as long as two CR LF", GET + b"A: b\n\t\n\n", [400], END),
    ("a value", with_field(b"A: b\r\n c"), [400], END),
    ("with a tab", with_field(b"A: b\r\n\tc"), [400], END),
    ("twice", with_field(b"A: b\r\n c\r\n d"), [400], END),
    ("nothing but a space", with_field(b"A: b\r\n \r\nC: d"), [400], END),
    ("nothing but a space, at the end", with_field(b"A: b\r\n "), [400], END),
    ("an empty value", with_field(b"A:\r\n b"), [400], END),
    ("a length", posted(b"Content-Length:\r\n " + SIZE), [400], END),
    ("a length's digits", posted(b"Content-Length: 1\r\n 0"), [400], END),
    ("Host", b"GET /healthz HTTP/1.1\r\nHost:\r\n h\r\n\r\n", [400], END),
    ("the first line", b"GET /healthz HTTP/1.1\r\n A: b\r\nHost: localhost\r\n\r\n", [400], END),
    ("the request line", b"GET\r\n /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", [], END),
    ("a hidden request", with_field(b"A: b\r\n GET /x HTTP/1.1\r\n Host: h", SMUGGLED), [400], END),
    ("ten thousand times", with_field(b"A: b" + b"\r\n c" * 10000), [431], LIBRARY),
]

LINE_ENDS = [
    ("LF alone", b"GET /healthz HTTP/1.1\nHost: h\n\n", [400], END),
    ("LF behind the request line", b"GET /healthz HTTP/1.1\nHost: localhost\r\n\r\n", [400], END),
    ("LF behind a field", with_field(b"A: b\nC: d"), [400], END),
    ("LF at the end", GET + b"A: b\r\n\n", [400], END),
    ("LF, then CR LF", GET + b"A: b\n\r\n" + SMUGGLED, [400], END),
    ("LF CR", with_field(b"A: b\n\rC: d"), [400], END),
    ("CR alone", with_field(b"A: b\rC: d"), [400], END),
    ("CR behind the name", with_field(b"A\r: b"), [400], END),
    ("CR before a name", with_field(b"A: b\r\n\rC: d"), [400], END),
    ("CR CR LF", with_field(b"A: b\r"), [400], END),
    ("CR CR LF at the end", GET + b"\r\r\n" + SMUGGLED, [400], LIBRARY),
    ("CR in the target", line(b"/heal\rthz"), [400], END),
    ("CR behind the version", b"GET /healthz HTTP/1.1\r\r\nHost: localhost\r\n\r\n", [400], LIBRARY),
    ("CR only, all over", b"GET /healthz HTTP/1.1\rHost: localhost\r\r", [], END),
    ("an empty line before", b"\r\n" + GET + b"\r\n", [200], OPEN),
    ("ten empty lines before", b"\r\n" * 10 + GET + b"\r\n", [200], OPEN),
    ("a hundred thousand empty lines", b"\r\n" * 100000, [414], LIBRARY),
]

CONTROLS = [
    ("NUL in the target", line(b"/healthz\0x"), [400], END),
    ("NUL in the query", line(b"/sessions?limit=1\0&status=x"), [400], END),
    ("NUL behind the target", line(b"/healthz\0"), [400], END),
    ("NUL in the method", line(method=b"GET\0POST"), [400], END),
    ("NUL in the version", line(version=b"HTTP/1.1\0"), [400], LIBRARY),
    ("NUL in a value", with_field(b"A: b\0c"), [400], END),
    ("NUL before a value", with_field(b"A: \0b"), [400], END),
    ("NUL behind a value", with_field(b"A: b\0"), [400], END),
    ("NUL in a name", with_field(b"A\0B: c"), [400], LIBRARY),
    ("NUL before a name", with_field(b"A: b\r\n\0C: d"), [400], END),
    ("NUL for the empty line", GET + b"A: b\r\n\0\r\n" + SMUGGLED, [400], END),
    ("NUL before the request line", b"\0POST /sessions HTTP/1.1\r\n" + GET + b"\r\n", [200], OPEN),
    ("NUL as CR", with_field(b"A: b\0\nC: d"), [200], OPEN),
    ("SOH in a value", with_field(b"A: \x01"), [400], END),
    ("escape in a value", with_field(b"A: \x1b[2J"), [400], END),
    ("unit separator in a value", with_field(b"A: b\x1fc"), [400], END),
    ("DEL in a value", with_field(b"A: b\x7f"), [400], END),
    ("DEL in the target", line(b"/healthz\x7f"), [400], END),
    ("SOH in the target", line(b"/\x01"), [400], END),
    ("a tab in the target", line(b"/healthz\tx"), [400], END),
    ("a tab in a value", with_field(b"A: b\tc"), [200], OPEN),
    ("Latin-1 in a value", with_field(b"A: \xe4\xf6"), [200], OPEN),
    ("UTF-8 in the target", line("/ä".encode()), [404], OPEN),
    ("bytes of no script in the target", line(b"/\xff\xfe"), [404], OPEN),
]

NAMES = [
    ("empty", with_field(b": b"), [400], END),
    ("none, no colon", with_field(b"nonsense"), [400], LIBRARY),
    ("a space inside", with_field(b"A B: c"), [400], END),
    ("a space behind", with_field(b"A : b"), [400], END),
    ("parentheses", with_field(b"A(b): c"), [400], END),
    ("an at sign", with_field(b"A@b: c"), [400], END),
    ("quotes", with_field(b'"A": b'), [400], END),
    ("a slash", with_field(b"A/b: c"), [400], END),
    ("Latin-1", with_field(b"\xc4: b"), [400], END),
    ("all that is allowed", with_field(b"!#$%&'*+-.^_`|~09azAZ: b"), [200], OPEN),
    ("an empty value", with_field(b"A:"), [200], OPEN),
    ("white space around a value", with_field(b"A: \t b \t"), [200], OPEN),
    ("two types", posted(b"Content-Type: text/plain", b"Content-Length: " + SIZE), [400], END),
    ("two authorizations", with_field(b"Authorization: Bearer a\r\nAuthorization: Bearer b"), [400], END),
    ("two lists", with_field(b'If-Match: "1"\r\nIf-Match: "2"'), [200], OPEN),
]

HOSTS = [
    ("none", b"GET /healthz HTTP/1.1\r\n\r\n", [400], END),
    ("none, another header", b"GET /healthz HTTP/1.1\r\nA: b\r\n\r\n", [400], END),
    ("none of HTTP/1.0", b"GET /healthz HTTP/1.0\r\n\r\n", [200], END),
    ("two of HTTP/1.0", b"GET /healthz HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", [400], END),
    ("two", with_host(b"a\r\nHost: b"), [400], END),
    ("two the same", with_host(b"a\r\nhost: a"), [400], END),
    ("a list", with_host(b"a, b"), [400], END),
    ("empty", with_host(b""), [200], OPEN),
    ("empty, without a space", b"GET /healthz HTTP/1.1\r\nHost:\r\n\r\n", [200], OPEN),
    ("white space alone", with_host(b" \t"), [200], OPEN),
    ("empty, then one", with_host(b"\r\nHost: b"), [400], END),
    ("two words", with_host(b"a b"), [400], END),
    ("a path", with_host(b"a/b"), [400], END),
    ("a URI", with_host(b"http://a"), [400], END),
    ("a user", with_host(b"a@b"), [400], END),
    ("a port alone", with_host(b":80"), [400], END),
    ("a port that is none", with_host(b"a:b"), [400], END),
    ("a negative port", with_host(b"a:-1"), [400], END),
    ("a port of 17 bits", with_host(b"a:65536"), [400], END),
    ("two ports", with_host(b"a:1:2"), [400], END),
    ("a port", with_host(b"a:65535"), [200], OPEN),
    ("an empty port", with_host(b"a:"), [200], OPEN),
    ("a broken escape", with_host(b"a%2"), [400], END),
    ("a name with an underscore", with_host(b"my_service.local"), [200], OPEN),
    ("IPv4", with_host(b"127.0.0.1:8082"), [200], OPEN),
    ("IPv6", with_host(b"[::1]:8082"), [200], OPEN),
    ("IPv6 without brackets", with_host(b"::1"), [400], END),
    ("IPv6 half open", with_host(b"[::1"), [400], END),
    ("IPv6 that is none", with_host(b"[12345::]"), [400], END),
    ("something behind IPv6", with_host(b"[::1]x"), [400], END),
    ("a space behind", with_host(b"a "), [200], OPEN),
]

VERSIONS = [
    ("0.9, simple", b"GET /healthz\r\n", [400], LIBRARY),
    ("0.9", line(version=b"HTTP/0.9"), [505], LIBRARY),
    ("1.0", line(version=b"HTTP/1.0"), [200], END),
    ("1.2", line(version=b"HTTP/1.2"), [505], END),
    ("1.9", line(version=b"HTTP/1.9"), [505], END),
    ("1.10", line(version=b"HTTP/1.10"), [400], LIBRARY),
    ("2.0", line(version=b"HTTP/2.0"), [505], LIBRARY),
    ("2, the preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [505], LIBRARY),
    ("9.9", line(version=b"HTTP/9.9"), [505], LIBRARY),
    ("1", line(version=b"HTTP/1"), [400], LIBRARY),
    ("11", line(version=b"HTTP/11"), [400], LIBRARY),
    ("lower case", line(version=b"http/1.1"), [400], LIBRARY),
    ("of another protocol", line(version=b"FTPP/1.1"), [400], LIBRARY),
    ("with a letter behind", line(version=b"HTTP/1.1x"), [400], LIBRARY),
    ("with a space inside", line(version=b"HTTP /1.1"), [400], LIBRARY),
    ("with a space behind", line(version=b"HTTP/1.1 "), [400], LIBRARY),
    ("SMTP", b"EHLO x\r\nMAIL FROM:<a@b>\r\n", [400], LIBRARY),
    ("SSH", b"SSH-2.0-OpenSSH_9.2p1\r\n", [], END),
    ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", [], END),
]

METHODS = [
    ("lower case", line(method=b"get"), [501], END),
    ("unknown", line(method=b"BREW"), [501], END),
    ("of WebDAV", line(method=b"PROPFIND"), [501], END),
    ("PRI", line(method=b"PRI"), [501], END),
    ("CONNECT", line(b"h:80", b"CONNECT"), [501], END),
    ("CONNECT to a path", line(b"/sessions", b"CONNECT"), [501], END),
    ("OPTIONS", line(b"/sessions", b"OPTIONS"), [405], OPEN),
    ("OPTIONS of all", line(b"*", b"OPTIONS"), [400], END),
    ("TRACE", line(b"/healthz", b"TRACE"), [405], OPEN),
    ("QUERY", line(b"/healthz", b"QUERY"), [405], OPEN),
    ("a thousand letters", line(method=b"A" * 1000), [501], END),
    ("empty", line(method=b""), [], END),
    ("with control characters", line(method=b"G\x01T"), [501], END),
    ("with a length before it", b"5\r\n" + GET + b"\r\n", [], END),
]

TARGETS = [
    ("absolute", line(b"http://h/healthz"), [200], OPEN),
    ("absolute, https", line(b"https://h/healthz"), [200], OPEN),
    ("absolute, capitals, port, query", line(b"HTTP://H:80/healthz?"), [200], OPEN),
    ("absolute, of another host", line(b"http://other/healthz"), [200], OPEN),
    ("absolute, no path", line(b"http://h"), [404], OPEN),
    ("absolute, a query behind the host", line(b"http://h?/healthz"), [404], OPEN),
    ("absolute, without Host", b"GET http://h/healthz HTTP/1.1\r\n\r\n", [400], END),
    ("absolute, no host", line(b"http:///healthz"), [400], END),
    ("absolute, a user", line(b"http://user:password@h/healthz"), [400], END),
    ("absolute, a bad port", line(b"http://h:x/healthz"), [400], END),
    ("absolute, another scheme", line(b"ftp://h/healthz"), [400], END),
    ("absolute, a file", line(b"file:///etc/passwd"), [400], END),
    ("absolute in a path", line(b"/http://h/healthz"), [404], OPEN),
    ("asterisk", line(b"*"), [400], END),
    ("authority", line(b"h:80"), [400], END),
    ("without a slash", line(b"healthz"), [400], END),
    ("nothing but a query", line(b"?limit=1"), [400], END),
    ("two slashes", line(b"//healthz"), [404], OPEN),
    ("dots", line(b"/sessions/../healthz"), [404], OPEN),
    ("encoded dots", line(b"/sessions/%2e%2e/healthz"), [404], OPEN),
    ("backslash", line(b"/sessions\\..\\healthz"), [404], OPEN),
    ("fragment", line(b"/healthz#x"), [404], OPEN),
    ("a space inside", line(b"/healthz x"), [400], END),
    ("a version inside", line(b"/healthz HTTP/1.1 x"), [400], END),
    ("two spaces before", line(b" /healthz"), [400], END),
    ("two spaces behind", line(b"/healthz "), [400], END),
    ("tabs for spaces", b"GET\t/healthz\tHTTP/1.1\r\nHost: localhost\r\n\r\n", [], END),
    ("%00", line(b"/healthz%00"), [400], END),
    ("%00 in an id", line(b"/sessions/b0a4c7de-0000-4000-8000-000000000001%00"), [400], END),
    ("%2F", line(b"/sessions%2Frecover"), [400], END),
    ("%2f", line(b"/sessions/..%2fhealthz"), [400], END),
    ("%2F behind a host", line(b"http://h/sessions%2Frecover"), [400], END),
    ("%252F", line(b"/sessions%252Frecover"), [404], OPEN),
    ("a broken escape", line(b"/%zz"), [404], OPEN),
    ("%00 in the query", line(b"/sessions?thread_id=%00"), [400], OPEN),
    ("%2F in the query", line(b"/sessions?project_path=%2Fp"), [200], OPEN),
    ("%0D%0A in the path", line(b"/%0D%0AA:%20b"), [404], OPEN),
]

SIZES = [
    ("a target at the limit", line(b"/" + b"a" * 8191), [404], OPEN),
    ("a target over the limit", line(b"/" + b"a" * 8192), [414], END),
    ("a target over the limit, and a hidden length", b"GET /" + b"a" * 8192 + b" HTTP/1.1\r\nHost: localhost\r\nContent-Length : " + SIZE + b"\r\n\r\n" + SMUGGLED, [414], END),
    ("a target of 100,000 bytes", line(b"/" + b"a" * 100000), [414], LIBRARY),
    ("a target of a million bytes", line(b"/" + b"a" * 1000000), [414], LIBRARY),
    ("a target of ten million bytes", line(b"/" + b"a" * 10000000), [414], LIBRARY),
    ("a query of 4,000 parameters", line(b"/healthz?" + b"a&" * 4000), [400], END),
    ("128 fields", GET + b"A: b\r\n" * 127 + b"\r\n", [200], OPEN),
    ("129 fields", GET + b"A: b\r\n" * 128 + b"\r\n", [431], END),
    ("129 fields, and a hidden length", GET + b"A: b\r\n" * 128 + b"Content-Length : " + SIZE + b"\r\n\r\n" + SMUGGLED, [431], END),
    ("50,000 fields", GET + b"A: b\r\n" * 50000 + b"\r\n", [431], LIBRARY),
    ("a value of 10,000 bytes", with_field(b"A: " + b"b" * 10000), [200], OPEN),
    ("a value over the limit", with_field(b"A: " + b"b" * 17000), [431], END),
    ("a value of a million bytes", with_field(b"A: " + b"b" * 1000000), [431], LIBRARY),
    ("a value of ten million bytes", with_field(b"A: " + b"b" * 10000000), [431], LIBRARY),
    ("a name of a million bytes", with_field(b"A" * 1000000 + b": b"), [431], LIBRARY),
    ("a method of a million bytes", line(method=b"A" * 1000000), [414], LIBRARY),
    ("a line that does not end", b"A" * 1000000, [414], LIBRARY),
]

PIPELINED = [
    ("five", numbered(5), [200] * 5, OPEN),
    ("a hundred", numbered(100), [200] * 100, OPEN),
    ("behind a write", GOOD + numbered(2), [201, 200, 200], OPEN),
    ("writes", GOOD * 4, [201] * 4, OPEN),
    ("behind a body that is not taken", with_field(b"Content-Length: " + SIZE, SMUGGLED) + numbered(1), [413], END),
    ("behind 404 and 405", line(b"/nope") + line(b"/sessions", b"DELETE") + numbered(1), [404, 405, 200], OPEN),
    ("behind a refusal", numbered(1) + with_field(b"A : b") + SMUGGLED, [200, 400], END),
    ("behind a method unknown", line(method=b"BREW") + SMUGGLED, [501], END),
    ("behind a large body", posted(b"Content-Length: 99999999"), [413], END),
    ("behind a media type refused", POST.replace(b"json", b"xml") + b"Content-Length: " + SIZE + b"\r\n\r\n" + SMUGGLED, [415], END),
    ("behind a 404 with a body", b"POST /nope HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + SIZE + b"\r\n\r\n" + SMUGGLED, [404], END),
    ("behind the client's close", with_field(b"Connection: close", SMUGGLED), [200], END),
    ("behind HTTP/1.0", b"GET /healthz HTTP/1.0\r\n\r\n" + SMUGGLED, [200], END),
    ("behind the library's refusal", line(version=b"HTTP/2.0") + SMUGGLED, [505], LIBRARY),
    ("kept alive of HTTP/1.0", b"GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", [200], OPEN),
    ("behind an expectation", posted(b"Expect: 100-continue", b"Content-Length: %d" % len(NEW), body=NEW), [100, 201], OPEN),
    ("an expectation of what is too large", posted(b"Expect: 100-continue", b"Content-Length: 99999999", body=b""), [413], END),
    ("an expectation of two lengths", posted(b"Expect: 100-continue", b"Content-Length: 1", b"Content-Length: 2", body=b""), [400], END),
    ("an upgrade to HTTP/2", with_field(b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__"), [200], OPEN),
]

# The client ends its side behind these bytes.
HALF_CLOSED = [
    ("nothing", b"", [], END),
    ("half a line", b"GET /hea", [], END),
    ("half a head", GET, [], END),
    ("half a body", posted(b"Content-Length: 100", body=b"{"), [], END),
    ("chunks without the last one", posted(b"Transfer-Encoding: chunked", body=SIZED + NEW + b"\r\n"), [], END),
    ("half a last chunk", posted(b"Transfer-Encoding: chunked", body=SIZED + NEW + b"\r\n0\r\n"), [], END),
    ("a smuggled half", posted(b"Content-Length: %d" % (LENGTH + 1)), [], END),
    ("an empty line", b"\r\n", [], END),
]

# The same behind whole requests: all are answered, whenever the service sees the end.
HALF_CLOSED_WHOLE = [
    ("a request", GET + b"\r\n", [200], CLOSED),
    ("a write", GOOD, [201], CLOSED),
    ("a write of a megabyte", posted(b"Content-Length: %d" % len(LARGE), body=LARGE), [201], CLOSED),
    ("a chunked write", posted(b"Transfer-Encoding: chunked", body=chunks(NEW)), [201], CLOSED),
    ("four writes", GOOD * 4, [201] * 4, CLOSED),
    ("a write between reads", numbered(1) + GOOD + line(), [200, 201, 200], CLOSED),
    ("three requests", numbered(3), [200] * 3, CLOSED),
    ("a list", line(b"/sessions?limit=500&include=context"), [200], CLOSED),
    ("a refusal", with_field(b"A : b"), [400], END),
]

# By libmicrohttpd 1.0: (answers, end); None: the bytes mean something else there.
OF_1_0 = {
    "lengths: a space behind": None,
    "encodings: a space behind": ([400], END),
    "chunks: behind an expectation": ([201], END),
    "chunks: an extension": ([400], LIBRARY),
    "chunks: bare LF behind the size": ([400], LIBRARY),
    "chunks: bare LF behind the data": ([400], LIBRARY),
    "chunks: bare LF behind the last one": ([400], LIBRARY),
    "chunks: shorter than its size": ([400], LIBRARY),
    "chunks: a folded trailer": ([400], LIBRARY),
    "line ends: ten empty lines before": ([400], LIBRARY),
    "NUL and controls: NUL before the request line": ([400], LIBRARY),
    "NUL and controls: NUL as CR": ([400], LIBRARY),
    "pipelined: behind an expectation": ([201], OPEN),
}

GROUPS = {
    "lengths": LENGTHS,
    "encodings": ENCODINGS,
    "chunks": CHUNKS,
    "folded lines": FOLDED,
    "line ends": LINE_ENDS,
    "NUL and controls": CONTROLS,
    "field names": NAMES,
    "Host": HOSTS,
    "versions": VERSIONS,
    "methods": METHODS,
    "targets": TARGETS,
    "sizes": SIZES,
    "pipelined": PIPELINED,
    "half-closed": HALF_CLOSED,
    "half-closed, whole": HALF_CLOSED_WHOLE,
}
