<?php
// Router for PHP's built-in web server: allows a path after the name of a script.
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
$root = $_SERVER['DOCUMENT_ROOT'];
if (preg_match('#^(/.*?\.php)(/.*)?$#', $path, $parts) && is_file($root . $parts[1])) {
    $_SERVER['SCRIPT_NAME'] = $parts[1];
    $_SERVER['SCRIPT_FILENAME'] = $root . $parts[1];
    $_SERVER['PHP_SELF'] = $path;
    if (!empty($parts[2])) {
        $_SERVER['PATH_INFO'] = $parts[2];
    }
    chdir(dirname($root . $parts[1]));
    require $root . $parts[1];
    return true;
}
return false;
