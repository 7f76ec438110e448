<?php
// SimpleSAMLphp as a test's identity provider: everything it needs lies beside this file, secrets are the test's own.
$config = [
    'baseurlpath' => 'http://127.0.0.1:' . getenv('IDP_PORT') . '/',
    'certdir' => __DIR__ . '/',
    'loggingdir' => __DIR__ . '/',
    'datadir' => __DIR__ . '/',
    'tempdir' => __DIR__ . '/tmp',
    'secretsalt' => 'known to this test alone',
    'auth.adminpassword' => bin2hex(random_bytes(16)),
    'technicalcontact_email' => 'nobody@example.test',
    'timezone' => 'UTC',
    'logging.handler' => 'errorlog',
    'logging.level' => 4,
    'errorreporting' => false,
    'enable.saml20-idp' => true,
    'module.enable' => ['exampleauth' => true, 'core' => true, 'saml' => true],
    'session.cookie.secure' => false,
    'session.phpsession.savepath' => __DIR__ . '/tmp',
    'session.phpsession.cookiename' => 'IDP',
    'store.type' => 'phpsession',
    'language.default' => 'en',
    // Ours, as an administrator would upload it: the server is up only after its provider's metadata is there.
    'metadata.sources' => array_filter([
        ['type' => 'flatfile', 'directory' => __DIR__ . '/metadata'],
        is_file(__DIR__ . '/sp.xml') ? ['type' => 'xml', 'file' => __DIR__ . '/sp.xml'] : null,
    ]),
    'production' => false,
    'showerrors' => true,
];
